import { signal } from '@preact/signals';

export const token = signal(sessionStorage.getItem('token') ?? '');
export const theme = signal(localStorage.getItem('theme') ?? 'system');

/** Whether a letter alone is a command. */
export const singleKeys = signal(localStorage.getItem('keys') !== 'off');

export function useSingleKeys(wanted: boolean): void {
  localStorage.setItem('keys', wanted ? 'on' : 'off');
  singleKeys.value = wanted;
}

/** Kept for this tab only. The page is loaded anew, so that nothing read with the former token is left. */
export function useToken(secret: string): void {
  sessionStorage.setItem('token', secret);
  location.reload();
}

export function chooseTheme(name: string): void {
  localStorage.setItem('theme', name);
  theme.value = name;
  document.documentElement.dataset['theme'] = name;
}
document.documentElement.dataset['theme'] = theme.value;
