/** Why somebody is not who a token says, or why that cannot be found out. The message is a text for the client. */
export class ProviderFault extends Error {
  override readonly name = 'ProviderFault';

  constructor(
    message: string,
    /** Whose fault: the token's, or that of a provider which cannot be reached or does not do what it should. */
    readonly of: 'token' | 'provider',
  ) {
    super(message);
  }
}
