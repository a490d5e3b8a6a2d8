package console

import "strings"

// fields goes through all fields of a form.
func (p *NoticePart) fields(yield func(row *FieldRow, f Field) bool) {
	for _, g := range p.Groups {
		for _, f := range g.Fields {
			if !yield(nil, f) {
				return
			}
		}
	}
	if p.Rows == nil {
		return
	}
	for i := range p.Rows.List {
		row := &p.Rows.List[i]
		for _, g := range row.Groups {
			for _, f := range g.Fields {
				if !yield(row, f) {
					return
				}
			}
		}
	}
}

// Arrange marks the last row, which can't move on.
func (p *NoticePart) Arrange() {
	if p.Rows != nil && len(p.Rows.List) > 0 {
		p.Rows.List[len(p.Rows.List)-1].Last = true
	}
}

// FieldOf is the label and the name of the field at which an issue of a path is
// mended, both "" if the form has none. An issue of a line is one of its field, and one
// of a text in all languages one of the first.
func (p *NoticePart) FieldOf(path string) (label, name string) {
	whole := path
	if i := strings.LastIndexByte(path, '['); i > 0 && strings.HasSuffix(path, "]") {
		whole = path[:i]
	}
	for _, f := range p.fields {
		if f.Name == path || f.Name == whole && f.Kind == "lines" {
			return f.Label, f.Name
		}
		if f.Language != "" && f.Name == path+"."+f.Language {
			label, _, _ = strings.Cut(f.Label, ", in ")
			return label, f.Name
		}
	}
	return "", ""
}

// OpenWrong opens the rows in which something is wrong.
func (p *NoticePart) OpenWrong() {
	for row, f := range p.fields {
		if row != nil && p.WrongAt(f.Name) != "" {
			row.Open = true
		}
	}
}
