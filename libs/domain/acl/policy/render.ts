import type { LabelledRule, Level, PolicyRules } from './rules.js';

const labelled = ({ label, level, capabilities }: LabelledRule) => ({
  Name: label,
  Policy: level,
  Capabilities: listed(capabilities),
});
const listed = <T>(items: readonly T[]): readonly T[] | null => (items.length === 0 ? null : items);
const leveled = (level: Level): object | null => (level === '' ? null : { Policy: level });
const withCapabilities = (block: PolicyRules['operator']): object | null =>
  block && { Policy: block.level, Capabilities: listed(block.capabilities) };

/** Nomad: acl.Policy as `RulesJSON` shows it; null for no rules. */
export function renderRules(rules: PolicyRules, raw: string): object | null {
  if (raw === '') return null;
  return {
    Namespaces: listed(
      rules.namespaces.map((rule) => ({
        ...labelled(rule),
        Variables: rule.variables && {
          Paths: rule.variables.map(({ path, capabilities }) => ({
            PathSpec: path,
            Capabilities: listed(capabilities),
          })),
        },
      })),
    ),
    NodePools: listed(rules.nodePools.map(labelled)),
    HostVolumes: listed(rules.hostVolumes.map(labelled)),
    Agent: leveled(rules.agent),
    Node: leveled(rules.node),
    Operator: withCapabilities(rules.operator),
    Sentinel: withCapabilities(rules.sentinel),
    Quota: leveled(rules.quota),
    Plugin: leveled(rules.plugin),
    Raw: raw,
    ExtraKeysHCL: null,
  };
}
