import { jobAddress, objectAddress } from '../address/address.ts';
import { short, visible } from './words.ts';

/** An object that an event is about, with the way to it. */
export function Subject({
  of,
}: {
  readonly of: { readonly Topic: string; readonly Key: string; readonly Namespace: string };
}) {
  switch (of.Topic) {
    case 'Job':
      return <a href={jobAddress(of.Key, of.Namespace)}>{visible(of.Key)}</a>;
    case 'Deployment':
      return <a href={objectAddress('deployments', of.Key)}>{short(of.Key)}</a>;
    case 'Allocation':
      return <a href={objectAddress('allocations', of.Key)}>{short(of.Key)}</a>;
    case 'Evaluation':
      return <a href={objectAddress('evaluations', of.Key)}>{short(of.Key)}</a>;
    case 'Node':
      return <a href={objectAddress('clients', of.Key)}>{short(of.Key)}</a>;
    default:
      return <code>{short(of.Key)}</code>;
  }
}
