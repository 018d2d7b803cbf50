package flow

import "strings"

// The marks by which browsers and systems are told, the first that fits counts:
// most browsers name others too (RFC 9110 section 10.1.5).
var (
	browserMarks = []struct{ mark, name string }{
		{"Edg", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chromium/", "Chromium"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
		{"curl/", "curl"},
	}
	systemMarks = []struct{ mark, name string }{
		{"Android", "Android"},
		{"iPhone", "an iPhone"},
		{"iPad", "an iPad"},
		{"Windows", "Windows"},
		{"CrOS", "ChromeOS"},
		{"Mac OS X", "a Mac"},
		{"Linux", "Linux"},
	}
)

// browserName tells a User-Agent in fixed words, such as "Firefox on Linux": it
// goes into mails to others, so nothing of the sender's own text may.
func browserName(userAgent string) string {
	find := func(marks []struct{ mark, name string }) string {
		for _, m := range marks {
			if strings.Contains(userAgent, m.mark) {
				return m.name
			}
		}
		return ""
	}
	browser, system := find(browserMarks), find(systemMarks)
	if browser == "" || system == "" {
		return browser
	}
	return browser + " on " + system
}
