/** What policies, roles and auth methods may be called. */
export const ACL_NAME = /^[a-zA-Z0-9-]{1,128}$/;
