// Package presets is the table of known providers of OAuth 2.0 and OpenID Connect: a
// JSON file for each, whose name is the provider's id. The ids are NextAuth's. It is
// data alone; what is done with it is up to package oauth.
package presets

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
)

//go:embed *.json
var files embed.FS

const (
	extension  = ".json"
	schemaFile = "schema" + extension
)

// IDs returns the ids of all presets, aliases among them, sorted. It decodes none.
func IDs() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // there is a root
	}
	ids := make([]string, 0, len(entries))
	for _, entry := range entries {
		if entry.Name() != schemaFile {
			ids = append(ids, strings.TrimSuffix(entry.Name(), extension))
		}
	}
	slices.Sort(ids) // the files are sorted with their extension
	return ids
}

// Get decodes the preset of an id; false says that there is none. An alias gets the
// preset for which it stands, with the alias's Name and AliasOf.
//
// It panics at a file that can't be used, which a test finds before it is ever built in.
func Get(id string) (Preset, bool) {
	preset, err := read(id)
	if errors.Is(err, fs.ErrNotExist) {
		return Preset{}, false
	}
	if err == nil && preset.AliasOf != "" {
		alias := preset
		if preset, err = read(alias.AliasOf); err == nil && preset.AliasOf != "" {
			err = fmt.Errorf("%s is an alias of an alias", id)
		}
		preset.Name, preset.AliasOf = alias.Name, alias.AliasOf
	}
	if err != nil {
		panic(fmt.Sprintf("presets: %v", err))
	}
	return preset, true
}

func read(id string) (Preset, error) {
	name := id + extension
	if name == schemaFile {
		return Preset{}, fs.ErrNotExist
	}
	raw, err := files.ReadFile(name)
	if err != nil {
		return Preset{}, err // it names the file
	}
	preset, err := decode(raw)
	if err != nil {
		return Preset{}, fmt.Errorf("%s: %w", name, err)
	}
	return preset, nil
}

// decode reads a file and refuses what can't be meant: unknown keys and values, names
// in templates that nothing replaces, options that nothing uses.
func decode(raw []byte) (Preset, error) {
	var preset Preset
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&preset); err != nil {
		return Preset{}, fmt.Errorf("it is no preset: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Preset{}, errors.New("something stands behind the preset")
	}
	var written map[string]any
	if err := json.Unmarshal(raw, &written); err != nil {
		return Preset{}, fmt.Errorf("it is no preset: %w", err)
	}
	return preset, preset.check(written)
}
