import { getSession, signIn, signOut } from "/api/auth/client.js";

const who = document.getElementById("who");
const buttons = {
	signin: document.getElementById("signin"),
	signout: document.getElementById("signout"),
};

async function show() {
	const session = await getSession();
	who.textContent = session
		? `Signed in as ${session.user.name ?? session.user.email}.`
		: "Not signed in. The demo user is “demo”, the password “demo”.";
	buttons.signin.hidden = Boolean(session);
	buttons.signout.hidden = !session;
}

buttons.signin.addEventListener("click", () => signIn());
buttons.signout.addEventListener("click", () => signOut());
await show();
