// What the pages do beyond what they do without any script: put the provider
// used last first, show a password, tell that Caps Lock is on, send a form
// once, and count down a wait.

const each = (selector, run) => document.querySelectorAll(selector).forEach(run);

// Only this browser remembers it; where storage is off, nothing changes.
const memory = {
	key: "caddy-signin.last-used",
	read() {
		try {
			return localStorage.getItem(this.key);
		} catch {
			return null;
		}
	},
	write(value) {
		try {
			localStorage.setItem(this.key, value);
		} catch {}
	},
};

const buttons = [...document.querySelectorAll("form[data-last-used]")];
const last = buttons.find((form) => form.action === memory.read());
if (last && buttons.length > 1) {
	const tag = document.createElement("small");
	tag.textContent = last.dataset.lastUsed;
	last.querySelector(".button > span:last-child").append(" ", tag);
	buttons[0].before(last);
}
buttons.forEach((form) => form.addEventListener("submit", () => memory.write(form.action)));

each("input[type=password]", (input) => {
	const words = JSON.parse(input.dataset.words);

	const toggle = document.createElement("button");
	toggle.type = "button";
	toggle.className = "peek";
	const show = (visible) => {
		input.type = visible ? "text" : "password";
		toggle.textContent = visible ? words.hide : words.show;
		toggle.setAttribute("aria-label", visible ? words.hideName : words.showName);
	};
	show(false);
	toggle.addEventListener("click", () => show(input.type === "password"));
	// Browsers remember what a text field held, but not a password.
	input.form.addEventListener("submit", () => show(false));

	const hint = document.createElement("p");
	hint.className = "small";
	hint.setAttribute("role", "status");
	const look = (event) => {
		hint.textContent = event.getModifierState?.("CapsLock") ? words.caps : "";
	};
	input.addEventListener("keydown", look);
	input.addEventListener("keyup", look);
	input.addEventListener("blur", () => (hint.textContent = ""));

	input.after(toggle, hint);
});

const release = (form) => {
	delete form.dataset.sending;
	form.querySelector(".button").removeAttribute("aria-busy");
};

each("form", (form) => {
	form.addEventListener("submit", (event) => {
		if ("sending" in form.dataset) {
			event.preventDefault();
			return;
		}
		form.dataset.sending = "";
		form.querySelector(".button").setAttribute("aria-busy", "true");
		// Whoever stops the loading may try again.
		setTimeout(release, 10_000, form);
	});
});

// A page that Back brings out of the browser's memory was left while sending.
addEventListener("pageshow", () => each("form", release));

each("[data-countdown]", (time) => {
	const words = JSON.parse(time.dataset.words);
	const plural = new Intl.PluralRules(document.documentElement.lang);
	const end = Date.now() + time.dataset.countdown * 1000;
	const line = time.closest("[data-done]");
	const button = time.closest("form")?.querySelector(".button");

	line.setAttribute("aria-live", "off");
	if (button) button.disabled = true;
	const timer = setInterval(() => {
		const left = Math.ceil((end - Date.now()) / 1000);
		if (left > 0) {
			time.textContent = (words[plural.select(left)] ?? words.other).replace("{n}", left);
			return;
		}
		clearInterval(timer);
		line.setAttribute("aria-live", "polite");
		line.textContent = line.dataset.done;
		if (button) button.disabled = false;
	}, 1000);
});
