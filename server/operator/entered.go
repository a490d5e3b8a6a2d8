package operator

// Schemas of the two halves of an act in the log.
const (
	ActSchema         = "act/v1"
	ActPersonalSchema = "act-personal/v1"
)

// An ActEntry is what the log says of an act for good: that something of the kind
// happened. at is in Unix milliseconds.
type ActEntry struct {
	Schema string `json:"schema"`
	Seq    int64  `json:"seq"`
	At     int64  `json:"at"`
	Site   string `json:"site,omitempty"`
	What   string `json:"what"`
}

// An ActPersonal is what can name people, and can be taken away from the log.
type ActPersonal struct {
	Schema   string `json:"schema"`
	Seq      int64  `json:"seq"`
	Operator string `json:"operator"`
	Object   string `json:"object,omitempty"`
	Detail   string `json:"detail,omitempty"`
}

// Entry are the two halves of a in the log.
func (a Act) Entry() (ActEntry, ActPersonal) {
	return ActEntry{ActSchema, a.Seq, a.At.UnixMilli(), a.Site, a.What},
		ActPersonal{ActPersonalSchema, a.Seq, a.Operator, a.Object, a.Detail}
}
