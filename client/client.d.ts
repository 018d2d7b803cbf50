// Types of the gateway's own browser client, {base_path}/client.js.

/** What the session endpoint shows of the person. Further fields come from the realm's `session { expose … }`. */
export interface User {
  name?: string | null;
  email?: string | null;
  image?: string | null;
  [field: string]: unknown;
}

export interface Session {
  user: User;
  /** When the session ends if nothing renews it, ISO 8601 in UTC. */
  expires: string;
}

export interface Provider {
  id: string;
  name: string;
  /** `oauth` stands for OpenID Connect too; under `dialect authjs` that is `oidc`. */
  type: "oauth" | "oidc" | "email" | "credentials";
  signinUrl: string;
  callbackUrl: string;
}

export interface SignInOptions {
  /** Where to arrive: a path, or a URL of this site. Default: the current page, fragment included. */
  callbackUrl?: string;
  /** `false` stays on the page and resolves to a {@link SignInResponse}; credentials and e-mail only. Default: `true`. */
  redirect?: boolean;
  /** The form's fields: `username` and `password`, or `email`. */
  [field: string]: unknown;
}

export interface SignInResponse {
  /** The error code, such as `CredentialsSignin`; null when it worked. */
  error: string | null;
  /** Under `dialect authjs`, the reason behind `CredentialsSignin`: `credentials`, or what the back end gave. */
  code?: string;
  /** The HTTP status of the answer. Under `dialect authjs` a refused password is 200 with an error. */
  status: number;
  /** Whether the status is 2xx. A refused e-mail address is 200 with an error. */
  ok: boolean;
  /** The validated callbackUrl; null with an error. */
  url: string | null;
}

export interface SignOutOptions {
  /** Where to arrive: a path, or a URL of this site. Default: the current page. */
  callbackUrl?: string;
  /** `false` stays on the page and resolves to the validated callbackUrl. Default: `true`. */
  redirect?: boolean | null;
  /** `true` ends the person's sessions on other devices too. Beyond next-auth. Default: `false`. */
  everywhere?: boolean;
}

/** Whatever `new URLSearchParams()` takes: `prompt`, `login_hint` and others that the realm lets through. */
export type AuthorizationParams = string | string[][] | Record<string, string> | URLSearchParams;

/** Signs in with a provider, or opens the sign-in page when none of this site's is named. */
export function signIn(
  provider?: string,
  options?: SignInOptions | null,
  authorizationParams?: AuthorizationParams | null,
): Promise<SignInResponse | undefined>;

/** Signs out, in every tab. */
export function signOut(options: SignOutOptions & { redirect: false }): Promise<{ url: string }>;
export function signOut(options?: (SignOutOptions & { redirect?: true | null }) | null): Promise<undefined>;
export function signOut(options?: SignOutOptions | null): Promise<{ url: string } | undefined>;

/** The session, or null when signed out. Tells the other tabs to look again, unless `broadcast: false`. */
export function getSession(options?: { broadcast?: boolean } | null): Promise<Session | null>;

/** The token that every hand-made POST to these endpoints needs in its body; undefined when it can't be had. */
export function getCsrfToken(): Promise<string | undefined>;

/** The ways to sign in, by id, in the order of the configuration; null when they can't be had. */
export function getProviders(): Promise<Record<string, Provider> | null>;

/**
 * Calls back with the session when it may have changed: by another tab, by
 * signIn() or signOut() here, or while this tab was hidden. Returns a function
 * that stops it. Beyond next-auth.
 */
export function onSessionChange(callback: (session: Session | null) => void): () => void;
