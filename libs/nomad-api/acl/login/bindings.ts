import { ACL_NAME, type AclAuthMethodState, type AclBindingRuleState, type Binding } from '@app/domain';
import { quoted } from '@app/kernel';
import { compileFilter, fail, ok, selectableType, type Filter, type Result } from '../../http/index.js';
import type { MappedClaims } from './claims.js';
import { interpolate } from './interpolate.js';

/** A selector of a rule; undefined: everybody. The error is the parser's text. */
export function selectorOf(text: string): Result<Filter | undefined> {
  return text === '' ? ok(undefined) : compileFilter(text, selectableType);
}

/** What the rules of a method give to whoever these claims are of. @param rules in the order of their ids */
export function bindingsOf(rules: readonly AclBindingRuleState[], claims: MappedClaims): Result<readonly Binding[]> {
  const document = {
    value: Object.fromEntries(claims.value),
    list: Object.fromEntries(claims.list),
  };
  const variables = variablesOf(claims);
  const bindings: Binding[] = [];
  for (const { selector, bindType, bindName } of rules) {
    if (!isSelected(selector, document)) continue;
    if (bindType === 'management') return ok([{ type: bindType, name: '' }]);
    const name = interpolate(bindName, variables);
    if (!name.ok) return fail(`cannot compute ${quoted(bindType)} bind name for bind target: ${name.error}`);
    if (!ACL_NAME.test(name.value))
      return fail(`computed ${quoted(bindType)} bind name for bind target is invalid: ${quoted(name.value)}`);
    bindings.push({ type: bindType, name: name.value });
  }
  return ok(bindings);
}

/** A selector that cannot be evaluated selects nobody. */
function isSelected(selector: string, document: object): boolean {
  const filter = selectorOf(selector);
  if (!filter.ok) return false;
  const matches = filter.value?.matches(document) ?? ok(true);
  return matches.ok && matches.value;
}

/** The name of the token that a method makes for these claims. */
export function tokenNameOf(
  { type, name, tokenNameFormat }: Pick<AclAuthMethodState, 'type' | 'name' | 'tokenNameFormat'>,
  claims: MappedClaims,
): Result<string> {
  const variables = new Map([...variablesOf(claims), ['auth_method_type', type], ['auth_method_name', name]]);
  const text = interpolate(tokenNameFormat, variables);
  return text.ok ? text : fail(`failed to generate ACL token name: ${text.error}`);
}

const variablesOf = ({ value }: MappedClaims): Map<string, string> =>
  new Map([...value].map(([name, text]) => [`value.${name}`, text]));
