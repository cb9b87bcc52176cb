/** A template that cannot be read, or not carried out with what it was given. The message goes to people. */
export class TemplateError extends Error {}
