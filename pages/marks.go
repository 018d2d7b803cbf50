package pages

import (
	_ "embed"
	"encoding/json"
	"unicode"
)

//go:embed marks.json
var marksJSON []byte

// marks are the drawings on the providers' buttons: each a path in a square of
// 24 units, in one colour, and the presets that carry it.
var marks = mustLoadMarks()

type markTable struct {
	Paths   map[string]string `json:"paths"`
	Presets map[string]string `json:"presets"`
}

// mark is what stands before a provider's name: a drawing, else a letter.
type mark struct {
	Path   string
	Letter string
}

func mustLoadMarks() markTable {
	var table markTable
	if err := json.Unmarshal(marksJSON, &table); err != nil {
		panic(err)
	}
	return table
}

// markOf returns the preset's drawing, else the name's first letter or digit.
func markOf(preset, name string) *mark {
	if path := marks.Paths[marks.Presets[preset]]; path != "" {
		return &mark{Path: path}
	}
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return &mark{Letter: string(unicode.ToUpper(r))}
		}
	}
	return &mark{Letter: "•"}
}
