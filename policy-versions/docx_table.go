package policyversions

import (
	"strconv"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// mostColumns of a table; Word has 63.
const mostColumns = 64

// table writes a table. One of a single cell is a frame around paragraphs.
func (d *wordReader) table(e *element) {
	rows := d.rows(e)
	if len(rows) == 0 {
		return
	}
	d.open = nil
	if cells := cellsOf(rows[0]); len(rows) == 1 && len(cells) == 1 {
		d.add(openedFrames, 1)
		d.blocks(cells[0].children)
		d.open = nil
		return
	}
	table := node(atom.Table)
	for k, row := range rows {
		tr := node(atom.Tr)
		for _, cell := range cellsOf(row) {
			kind := atom.Td
			if k == 0 {
				kind = atom.Th
			}
			td := node(kind)
			if merged := cell.path("tcPr", "vMerge"); merged == nil || merged.get("val") == "restart" {
				d.cell(cell, td)
			}
			tr.AppendChild(td)
			span, _ := strconv.Atoi(cell.path("tcPr", "gridSpan").get("val"))
			for range min(span, mostColumns) - 1 {
				tr.AppendChild(node(kind))
			}
		}
		table.AppendChild(tr)
	}
	d.root.AppendChild(table)
}

// rows of a table, those in content controls and tracked insertions too.
func (d *wordReader) rows(e *element) (rows []*element) {
	for _, c := range e.children {
		switch c.name {
		case "tr":
			if c.path("trPr", "del") != nil {
				d.add(acceptedDeletions, 1)
				continue
			}
			rows = append(rows, c)
		case "sdt":
			rows = append(rows, d.rows(c.child("sdtContent"))...)
		case "customXml", "ins":
			rows = append(rows, d.rows(c)...)
		}
	}
	return rows
}

func cellsOf(row *element) (cells []*element) {
	for _, c := range row.children {
		switch c.name {
		case "tc":
			cells = append(cells, c)
		case "sdt":
			if content := c.child("sdtContent"); content != nil {
				cells = append(cells, cellsOf(content)...)
			}
		case "customXml":
			cells = append(cells, cellsOf(c)...)
		}
	}
	return cells
}

// cell writes the paragraphs of a cell, and of tables within it, one below the
// other: Markdown has one line for a cell.
func (d *wordReader) cell(e *element, td *html.Node) {
	first := true
	for _, p := range paragraphsOf(e) {
		properties := p.child("pPr")
		in := inline{wordReader: d}
		in.runs(p.children)
		label := d.lists.next(properties, d.style(properties.child("pStyle").get("val")))
		for _, box := range in.boxes {
			d.add(movedBoxes, 1)
			for _, p := range paragraphsOf(box) {
				in.text(" ")
				in.runs(p.children)
			}
		}
		in.boxes = nil
		if !in.hasText() {
			continue
		}
		if label.list && label.text == "" {
			in.label("•")
		} else {
			in.label(label.text)
		}
		if !first {
			td.AppendChild(node(atom.Br))
		}
		first = false
		in.into(td)
	}
}

// paragraphsOf are the paragraphs within e, those of tables in it too.
func paragraphsOf(e *element) (list []*element) {
	for _, c := range e.children {
		switch c.name {
		case "p":
			list = append(list, c)
		case "tbl", "tr", "tc", "sdt", "sdtContent", "customXml", "ins", "smartTag":
			list = append(list, paragraphsOf(c)...)
		}
	}
	return list
}
