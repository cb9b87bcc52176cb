/** A JSON value. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
/** A JSON object with keys that are not known beforehand (a driver's configuration, for instance). */
export type JsonObject = { [key: string]: Json };
