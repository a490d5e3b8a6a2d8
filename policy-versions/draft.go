package policyversions

// A Draft is an imported text on its way to becoming a version. The caller sets
// Language, and may set another Title and what visitors are told, before it is
// published.
type Draft struct {
	Text
	Announcement
	Original   []byte   // the bytes that were imported, unchanged
	Format     string   // what they were read as: "markdown", "html", "text" or "docx"
	Provenance []string // notes on where the text came from, found before it and not part of it
	Changes    []Change // what differs between Original and Text, for the operator to look over
}

// A Change is one kind of difference between the imported bytes and the text.
type Change struct {
	What  string `json:"what"`  // "non-breaking and other spaces made plain"
	Count int    `json:"count"` // places
}

// Kinds of change that several steps report.
const (
	acceptedInsertions = "tracked insertions taken as accepted"
	acceptedDeletions  = "tracked deletions taken as accepted"
	droppedContents    = "lines of the table of contents left out"
	droppedMargins     = "headers and footers of pages left out"
	droppedRemarks     = "comments left out"
	droppedMacros      = "macros left out"
	droppedChunks      = "embedded documents left out"
	droppedHidden      = "pieces of hidden text left out"
	droppedSymbols     = "symbols of a symbol font left out"
	movedNotes         = "footnotes and endnotes moved to the end"
	movedBoxes         = "text boxes put behind their paragraph"
	openedFrames       = "tables of one cell made paragraphs"
	wroteNumbers       = "numbers of lists and headings written into the text"
	madeSpacesPlain    = "non-breaking and other special spaces made plain"
	droppedControls    = "control and override characters dropped"
	droppedTags        = "HTML tags dropped, their text kept"
	droppedComments    = "HTML comments dropped"
	madeLinks          = "HTML links made Markdown links"
	madeBreaks         = "line breaks written as a backslash"
	madeBullets        = "bullets made \"-\""
	madeRules          = "dividing lines made \"***\""
	movedToMargin      = "indented lines moved to where they belong"
	removedTrailing    = "blanks at line ends removed"
	removedBlank       = "surplus blank lines removed"
	removedBullets     = "bullets without text removed"
	setAsideNotice     = "archive's notice before the text set aside"
	setAsideMatter     = "front matter set aside"
	addedTitle         = "title written as the first heading"
	escapedMarkup      = "characters that Markdown would read as markup escaped"
	madeHeadings       = "underlined lines made headings"
	droppedOutside     = "words outside the page's main part left out"
	composedUnicode    = "character sequences brought into Unicode NFC"
	removedMark        = "byte order mark removed"
	madeLineEnds       = "line ends made LF"
	leftOutElement     = "<%s> left out"
	describedPictures  = "pictures replaced by their description"
	unlinked           = "links to where a policy may not link made plain text"
)

// A tally counts changes by kind, in the order in which they first happened.
type tally []Change

func (t *tally) add(what string, count int) {
	if count == 0 {
		return
	}
	for i := range *t {
		if (*t)[i].What == what {
			(*t)[i].Count += count
			return
		}
	}
	*t = append(*t, Change{what, count})
}
