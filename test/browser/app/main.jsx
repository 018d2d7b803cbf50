// A static single-page app with the unmodified next-auth/react. Its page shows
// the hook's state, has the buttons of any such app, and lends the calls to tests.
import { createRoot } from "react-dom/client";
import {
  SessionProvider,
  getCsrfToken,
  getProviders,
  getSession,
  signIn,
  signOut,
  useSession,
} from "next-auth/react";

window.auth = { signIn, signOut, getSession, getCsrfToken, getProviders };

function Home() {
  const { data, status, update } = useSession();
  window.auth.update = update;
  return (
    <main>
      <h1>App</h1>
      <p id="status">{status}</p>
      <pre id="session">{JSON.stringify(data)}</pre>
      <button onClick={() => signIn()}>Sign in</button>
      <button onClick={() => signIn("local")}>Sign in with the provider</button>
      <button onClick={() => signOut()}>Sign out</button>
    </main>
  );
}

function MembersOnly() {
  const { data, status } = useSession({ required: true });
  return (
    <main>
      <h1>Members</h1>
      <p id="status">{status}</p>
      <pre id="session">{JSON.stringify(data)}</pre>
    </main>
  );
}

const Page = location.pathname.startsWith("/app/members") ? MembersOnly : Home;

createRoot(document.getElementById("root")).render(
  <SessionProvider>
    <Page />
  </SessionProvider>,
);
