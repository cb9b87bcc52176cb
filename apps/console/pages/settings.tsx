import { KeyList } from '../parts/help.tsx';
import { chooseTheme, singleKeys, theme, token, useSingleKeys, useToken } from '../store/settings.ts';

export function SettingsPage() {
  return (
    <>
      <h1 class="answer">
        {token.value === '' ? 'You act without a token.' : 'You act with a token, kept for this tab only.'}
      </h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const field = new FormData(event.currentTarget).get('token');
          useToken(typeof field === 'string' ? field.trim() : '');
        }}
      >
        <label>
          Token (secret id)
          <input name="token" type="password" autocomplete="current-password" />
        </label>
        <div class="row">
          <button type="submit" class="primary">
            Use it
          </button>
          <button type="button" onClick={() => useToken('')}>
            Forget it
          </button>
        </div>
      </form>
      <fieldset>
        <legend>Theme</legend>
        {['system', 'light', 'dark'].map((name) => (
          <label key={name} class="inline">
            <input type="radio" name="theme" checked={theme.value === name} onChange={() => chooseTheme(name)} /> {name}
          </label>
        ))}
      </fieldset>
      <h2>Keys</h2>
      <label class="inline">
        <input
          type="checkbox"
          checked={singleKeys.value}
          onChange={(event) => useSingleKeys(event.currentTarget.checked)}
        />{' '}
        A letter alone is a command
      </label>
      <KeyList />
    </>
  );
}
