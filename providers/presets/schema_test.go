package presets

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"testing"
)

// schema returns the JSON schema of the files: the Go type, with its comments.
func schema(t *testing.T) map[string]any {
	t.Helper()
	whole := schemas{t, comments(t)}.object(reflect.TypeFor[Preset](), "")
	whole["$schema"] = "http://json-schema.org/draft-07/schema#"
	whole["if"] = map[string]any{"required": []string{"alias_of"}}
	whole["then"] = map[string]any{"maxProperties": 3}
	whole["else"] = map[string]any{"required": []string{"kind", "config", "differs"}}
	return whole
}

// schemas makes schemas of types, with the comments of fields by Type.Field.
type schemas struct {
	t        *testing.T
	comments map[string]string
}

func (s schemas) object(of reflect.Type, path string) map[string]any {
	properties := make(map[string]any)
	var required []string
	for field := range of.Fields() {
		name, omit, _ := strings.Cut(field.Tag.Get("json"), ",")
		property := s.value(field.Type, strings.TrimPrefix(path+"."+name, "."))
		comment := s.comments[of.Name()+"."+field.Name]
		if comment == "" {
			s.t.Errorf("%s.%s has no comment", of.Name(), field.Name)
		}
		property["description"] = comment
		properties[name] = property
		if omit == "" {
			required = append(required, name)
		}
	}
	object := map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	if required != nil {
		object["required"] = required
	}
	return object
}

func (s schemas) value(of reflect.Type, path string) map[string]any {
	switch of.Kind() {
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.String:
		text := map[string]any{"type": "string"}
		if values, ok := enumerations[path]; ok {
			text["enum"] = values
		}
		return text
	case reflect.Slice:
		return map[string]any{"type": "array", "items": s.value(of.Elem(), path)}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": s.value(of.Elem(), path)}
	case reflect.Pointer:
		return s.value(of.Elem(), path)
	case reflect.Struct:
		return s.object(of, path)
	default:
		s.t.Fatalf("%s is of a kind that has no schema here: %s", path, of)
		return nil
	}
}

func comments(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "preset.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	ast.Inspect(file, func(node ast.Node) bool {
		declared, ok := node.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if object, ok := declared.Type.(*ast.StructType); ok {
			for _, field := range object.Fields.List {
				found[declared.Name.Name+"."+field.Names[0].Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
			}
		}
		return false
	})
	return found
}
