package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
)

// Trust is what a verification starts from: what somebody got from elsewhere than
// the bundle. Whatever is missing is taken from the bundle, and the report says so.
type Trust struct {
	Keys       consent.PublicKeys // of receipts
	LogKey     string             // of the log, as vkey
	Checkpoint []byte             // of the log, a signed note that somebody kept
	// Consistency shows that of that checkpoint and the bundle's, where they are of
	// different sizes, the larger continues the smaller: JSON with a member "proof", a
	// list of hashes in base64 (volenti log consistency --json). It needs no trust.
	Consistency []byte
}

// A Check is one thing that was looked at.
type Check struct {
	Name string // "manifest", "leaf"; docs/evidence.md lists them
	Err  error  // nil if it held
	Note string // where it was not done, why not
}

// A Report is what Verify found.
type Report struct {
	Checks  []Check
	Receipt consent.Report
	Trusted Trust // what came from outside
	Origin  string
	Size    int64 // of the log, by the bundle's checkpoint
	Earlier int64 // of the log, by the checkpoint from before the receipt; 0 where the bundle has none
	Edition int
}

// Err is nil if all checks held.
func (r Report) Err() error {
	var all []error
	for _, c := range r.Checks {
		if c.Err != nil {
			all = append(all, fmt.Errorf("%s: %w", c.Name, c.Err))
		}
	}
	return errors.Join(all...)
}

func (r *Report) check(name string, err error) {
	r.Checks = append(r.Checks, Check{Name: name, Err: err})
}

func (r *Report) skip(name, note string) { r.Checks = append(r.Checks, Check{Name: name, Note: note}) }

// VerifyArchive is Verify of a zip.
func VerifyArchive(zip []byte, t Trust) Report {
	f, err := Unpack(zip)
	if err != nil {
		r := Report{Trusted: t}
		r.check("archive", err)
		return r
	}
	return Verify(f, t)
}

// Verify checks a bundle with nothing but its files and what t holds: no network, no
// database. It goes on where something fails, so that all of it is named.
func Verify(f Files, t Trust) Report {
	r := Report{Trusted: t}
	r.check("archive", nil)
	r.check("manifest", checkManifest(f))
	r.receipt(f)
	core := r.Receipt.Core
	var x notice.Experience
	r.check("experience", checkExperience(f, core, &x))
	shown := []struct {
		check, file string
		digest      canonical.Digest
	}{{"notice", nameNotice, x.Notice}, {"wording", nameWording, x.Wording}, {"tags", nameTags, x.Tags}, {"law", nameLaw, x.Law}, {"script", nameScript, x.Script}}
	if f[namePage] != nil {
		shown[4].check, shown[4].file = "page", namePage
	}
	for _, s := range shown {
		err := checkDigestOf(f, s.file, s.digest)
		if err == nil {
			switch s.check {
			case "law":
				err = checkLaw(f[nameLaw], core)
			case "script":
				err = checkModules(f)
			case "page":
				err = checkStyle(f)
			}
		}
		r.check(s.check, err)
	}
	r.check("policies", checkPolicies(f, core, x))
	r.token(f, core)
	r.log(f, core)
	r.check("files", checkFiles(f, core))
	r.derived(f)
	return r
}

// receipt checks the receipt itself, and takes over what that found.
func (r *Report) receipt(f Files) {
	own, err := ownKeys(f)
	r.check("keys", err)
	keys := r.Trusted.Keys
	if keys == nil {
		keys = own
	}
	report, _ := consent.Verify(f[nameReceipt], keys)
	if report.Reformatted && report.Checks[0].Err == nil {
		report.Checks[0].Err = errors.New("receipt.json is not in canonical form: these are not the bytes that were given out")
	}
	r.Receipt = report
	for _, c := range report.Checks {
		r.check(c.Name, c.Err)
	}
}

// ownKeys are the keys of receipts that stand in the bundle, which they have to as
// the server publishes them, and beside them the log's.
func ownKeys(f Files) (consent.PublicKeys, error) {
	keys, err := consent.ParsePublicKeys(f[nameKeys])
	if err != nil {
		return nil, err
	}
	if document, err := keys.JWKS(); err != nil || !bytes.Equal(document, f[nameKeys]) {
		return keys, fmt.Errorf("%s is not as a server publishes it", nameKeys)
	}
	if _, err := logVerifier(f[nameLogKey]); err != nil || !bytes.HasSuffix(f[nameLogKey], []byte("\n")) {
		return keys, fmt.Errorf("%s is not the key of a log", nameLogKey)
	}
	return keys, nil
}

func checkExperience(f Files, core consent.Core, x *notice.Experience) error {
	if err := checkDigestOf(f, nameExperience, core.Experience); err != nil {
		return err
	}
	if err := canonical.Decode(f[nameExperience], x); err != nil {
		return err
	}
	if x.Schema != notice.ExperienceSchema || x.Site != core.Site || x.Language != core.Language || x.Notice != core.Notice {
		return errors.New("it is of another site, language or notice than the record")
	}
	return nil
}

func checkLaw(row []byte, core consent.Core) error {
	var law lawRow
	if err := json.Unmarshal(row, &law); err != nil {
		return err
	}
	if law.ID != core.Law {
		return fmt.Errorf("this is the row %.100q, the record names %q", law.ID, core.Law)
	}
	return nil
}

// checkModules makes sure that each further script is fetched by the first, or by one
// that is.
func checkModules(f Files) error {
	modules, reached := f.modules(), map[string]bool{}
	next := [][]byte{f[nameScript]}
	for len(next) > 0 {
		script := next[0]
		next = next[1:]
		for short := range named(script) {
			for digest, source := range modules {
				if digest.Short() == short && !reached[string(digest)] {
					reached[string(digest)] = true
					next = append(next, source)
				}
			}
		}
	}
	for digest, source := range modules {
		if canonical.Sum(source) != digest {
			return fmt.Errorf("%s%s.js was altered: its digest is not its name", dirModules, digest)
		}
		if !reached[string(digest)] {
			return fmt.Errorf("%s%s.js is fetched by no script", dirModules, digest)
		}
	}
	return nil
}

// checkStyle makes sure that the style sheet is the one that the page names.
func checkStyle(f Files) error {
	css, ok := f[nameStyle]
	if !ok {
		return nil
	}
	if canonical.Sum(css).Short() != notice.Stylesheet(f[namePage]) {
		return fmt.Errorf("%s is not the style sheet that the page names", nameStyle)
	}
	return nil
}

// checkPolicies makes sure that record and experience name the same texts, and that
// these are in their chains.
func checkPolicies(f Files, core consent.Core, x notice.Experience) error {
	if len(core.Policies) != len(x.Policies) {
		return errors.New("the record names other policies than the experience")
	}
	for _, key := range slices.Sorted(maps.Keys(core.Policies)) {
		named := core.Policies[key]
		if x.Policies[key] != named.Digest {
			return fmt.Errorf("the record names another text of %s than the experience", key)
		}
		if named.Number < 1 || named.Number > MaxFiles {
			return fmt.Errorf("%s has no version %d", key, named.Number)
		}
		if err := checkPolicy(f, core.Site, key, named.Number, named.Digest, named.Effective); err != nil {
			return err
		}
	}
	return nil
}

// token checks what was given out with the question, if it is there.
func (r *Report) token(f Files, core consent.Core) {
	token, ok := f[nameToken]
	if !ok {
		r.skip("token", "it is not in the bundle: the key it was made with is not kept any more")
		return
	}
	err := checkDigestOf(f, nameToken, core.Token)
	if err == nil && !consent.ServedOf(core).Says(string(token)) {
		err = errors.New("it says something else than the record: another experience, law, region or time")
	}
	r.check("token", err)
}

// log checks that the receipt's leaf, and the entries of its policies, are in the log.
func (r *Report) log(f Files, core consent.Core) {
	vkey := f[nameLogKey]
	if r.Trusted.LogKey != "" {
		vkey = []byte(r.Trusted.LogKey)
	}
	log, err := logVerifier(vkey)
	if err != nil {
		r.check("checkpoint", fmt.Errorf("the key of the log: %w", err))
		return
	}
	c, _, err := auditlog.OpenCheckpoint(f[nameCheckpoint], log)
	r.check("checkpoint", err)
	if err == nil {
		r.Origin, r.Size = c.Origin, c.Head.Size
	}
	p, err := parseProof(f[nameProof])
	if err == nil && !bytes.Equal(p.Checkpoint, f[nameCheckpoint]) {
		err = fmt.Errorf("it leads to another checkpoint than %s", nameCheckpoint)
	}
	if err == nil && p.Index != r.Receipt.Index {
		err = fmt.Errorf("it is of leaf %d, the receipt is leaf %d", p.Index, r.Receipt.Index)
	}
	if err == nil {
		_, _, err = p.Verify(r.Receipt.Leaf, log)
	}
	r.check("inclusion", err)
	r.check("entries", checkEntries(f, core, log))
	var earlier auditlog.Checkpoint
	if f[nameEarlier] != nil || f[nameConsistency] != nil {
		earlier, err = earlierOf(f, c, log)
		r.check("earlier checkpoint", err)
		r.Earlier = earlier.Head.Size
	}
	if r.Trusted.Checkpoint != nil {
		r.check("kept checkpoint", r.kept(c, earlier, log))
	}
}

func checkEntries(f Files, core consent.Core, log note.Verifier) error {
	for _, key := range slices.Sorted(maps.Keys(core.Policies)) {
		number := core.Policies[key].Number
		l, err := parseLink(f[versionFile(key, number, fileEntry)])
		if err != nil {
			return fmt.Errorf("%s: %w", versionFile(key, number, fileEntry), err)
		}
		p, err := parseProof(f[versionFile(key, number, fileProof)])
		if err == nil && p.Index != l.index {
			err = fmt.Errorf("it is of leaf %d, the entry is leaf %d", p.Index, l.index)
		}
		if err == nil {
			_, _, err = p.Verify(l.leaf, log)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", versionFile(key, number, fileProof), err)
		}
	}
	return nil
}

// earlierOf is the checkpoint from before the receipt that a bundle can have, once it is
// shown that the log continued it.
func earlierOf(f Files, c auditlog.Checkpoint, log note.Verifier) (auditlog.Checkpoint, error) {
	earlier, _, err := auditlog.OpenCheckpoint(f[nameEarlier], log)
	if err != nil {
		return auditlog.Checkpoint{}, fmt.Errorf("%s: %w", nameEarlier, err)
	}
	if earlier.Head.Size > c.Head.Size {
		return auditlog.Checkpoint{}, fmt.Errorf("%s is of %d leaves, and no earlier than %s", nameEarlier, earlier.Head.Size, nameCheckpoint)
	}
	proof, err := parseConsistency(f[nameConsistency])
	if err == nil {
		err = auditlog.CheckConsistency(proof, earlier.Head, c.Head)
	}
	if err != nil {
		return auditlog.Checkpoint{}, err
	}
	if text, err := encodeConsistency(earlier.Head, c.Head, proof); err != nil || !bytes.Equal(text, f[nameConsistency]) {
		return auditlog.Checkpoint{}, fmt.Errorf("%s says something else than what it proves", nameConsistency)
	}
	return earlier, nil
}

// kept compares the bundle's checkpoints with one that somebody kept.
func (r *Report) kept(c, earlier auditlog.Checkpoint, log note.Verifier) error {
	mine, _, err := auditlog.OpenCheckpoint(r.Trusted.Checkpoint, log)
	switch {
	case err != nil:
		return fmt.Errorf("yours: %w", err)
	case earlier.Note != nil && mine.Head == earlier.Head:
		return nil
	case mine.Head.Size != c.Head.Size && r.Trusted.Consistency == nil:
		return fmt.Errorf("yours is of %d leaves, the bundle's of %d: ask for a bundle made for yours (volenti receipt bundle --checkpoint), or for the proof that one continues the other (volenti log consistency --json), and give it with --consistency", mine.Head.Size, c.Head.Size)
	case mine.Head.Size != c.Head.Size:
		return continues(r.Trusted.Consistency, mine.Head, c.Head)
	case mine.Head.Root != c.Head.Root:
		return fmt.Errorf("the log has shown two different trees of %d leaves: this is not the log you know", c.Head.Size)
	}
	return nil
}

// continues makes sure that a proof leads from the smaller of two heads to the larger.
func continues(text []byte, one, other auditlog.Head) error {
	proof, err := parseConsistency(text)
	if err != nil {
		return err
	}
	if one.Size > other.Size {
		one, other = other, one
	}
	return auditlog.CheckConsistency(proof, one, other)
}

// checkFiles makes sure that nothing is in the bundle that nothing speaks of.
func checkFiles(f Files, core consent.Core) error {
	known := map[string]bool{nameManifest: true, nameAbout: true, nameReceipt: true, nameKeys: true, nameExperience: true, nameNotice: true, nameWording: true,
		nameTags: true, nameLaw: true, nameToken: true, nameProof: true, nameCheckpoint: true, nameLogKey: true, nameEarlier: true, nameConsistency: true}
	if f[namePage] != nil {
		known[namePage], known[nameStyle] = true, true
	} else {
		known[nameScript] = true
	}
	for name := range f {
		module := strings.HasPrefix(name, dirModules) && f[namePage] == nil
		if !known[name] && !derived(name) && !module && !ofPolicy(name, core) {
			return fmt.Errorf("%s belongs to no receipt", name)
		}
	}
	return nil
}

// ofPolicy reports whether a file is one that a policy of the record can have.
func ofPolicy(name string, core consent.Core) bool {
	for key, named := range core.Policies {
		rest, ok := strings.CutPrefix(name, dirPolicies+key+"/")
		number, file, _ := strings.Cut(rest, "/")
		if !ok {
			continue
		}
		if number == itoa(named.Number) {
			return file == fileEntry || file == fileSummary || file == fileProof || file == fileText || strings.HasSuffix(file, "."+fileText) ||
				strings.HasPrefix(file, "original.") || strings.Contains(file, ".original.")
		}
		for n := 1; n < named.Number; n++ {
			if number == itoa(n) {
				return file == fileEntry || file == fileSummary
			}
		}
	}
	return false
}

// derived makes what is derived again, and compares.
func (r *Report) derived(f Files) {
	e, err := read(f)
	if err != nil {
		r.check("derived", fmt.Errorf("what it is made of can't be read: %w", err))
		return
	}
	r.Edition = e.about.Edition
	switch {
	case r.Edition > Edition:
		r.check("derived", fmt.Errorf("the bundle is of edition %d, and this program knows those up to %d: run a newer one", r.Edition, Edition))
		return
	case r.Edition < Edition:
		r.skip("derived", fmt.Sprintf("README.txt, derived/ and replay/ were made by edition %d, and this program makes edition %d: they were not compared. All else does not depend on them", r.Edition, Edition))
		return
	}
	made, err := e.derive(f)
	if err != nil {
		r.check("derived", err)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(made)) {
		if !bytes.Equal(f[name], made[name]) {
			r.check("derived", fmt.Errorf("%s is not what comes of the evidence", name))
			return
		}
	}
	for _, name := range f.names() {
		if _, ok := made[name]; !ok && derived(name) {
			r.check("derived", fmt.Errorf("%s comes of no evidence", name))
			return
		}
	}
	r.check("derived", nil)
}
