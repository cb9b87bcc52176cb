import { digestOfSecret, isSameDigest, type IdentityTokens } from '@app/keyring';

/** A node that is not known yet, as far as it matters to whether it may be. */
interface Newcomer {
  readonly Name: string;
  readonly NodePool: string;
}

/** What nodes must show to register, if anything: the join token, or an introduction that somebody was given for them. */
export class JoinTokens {
  private readonly digests: readonly string[];

  /** @param tokens any of them will do; undefined: none is needed */
  constructor(
    tokens: readonly string[] | undefined,
    private readonly identities: Pick<IdentityTokens, 'introduced'>,
  ) {
    this.digests = (tokens ?? []).map(digestOfSecret);
  }

  /** Whether a node that shows this may register. Takes as long whichever join token is shown. */
  async admits(shown: string | undefined, node: Newcomer): Promise<boolean> {
    if (this.digests.length === 0) return true;
    const given = digestOfSecret(shown ?? '');
    let isKnown = false;
    for (const one of this.digests) isKnown = isSameDigest(one, given) || isKnown;
    return isKnown || this.introduces(shown ?? '', node);
  }

  private async introduces(shown: string, { Name, NodePool }: Newcomer): Promise<boolean> {
    if (!shown.includes('.')) return false;
    const introduced = await this.identities.introduced(shown);
    if (introduced === undefined) return false;
    return (introduced.name === '' || introduced.name === Name) && introduced.pool === (NodePool || 'default');
  }
}
