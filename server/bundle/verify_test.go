package bundle

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
)

// failed are the checks that a report says failed.
func failed(r Report) (names []string) {
	for _, c := range r.Checks {
		if c.Err != nil {
			names = append(names, c.Name)
		}
	}
	return names
}

// sample is a shop with a bundle of each kind.
func sample(t *testing.T) (w *world, kinds map[string]Files) {
	t.Helper()
	w = newWorld(t)
	w.policy("# Privacy\n\nThe first text.\n", "# Datenschutz\n\nDer erste Text.\n")
	w.notice("")
	id, _, _ := w.decide(w.ask("Accept-Language", "de"), nil)
	return w, map[string]Files{"script": w.files(id), "page": w.files(w.choose())}
}

// Whatever byte of whatever file is changed, it is found: by the manifest, and for
// evidence and what is derived also where the manifest was made to fit.
func TestEveryByteCounts(t *testing.T) {
	w, kinds := sample(t)
	trust := Trust{Keys: w.ring.Public(), LogKey: w.maker.LogKey}
	for kind, f := range kinds {
		if err := Verify(f, trust).Err(); err != nil {
			t.Fatal(err)
		}
		for _, name := range f.names() {
			was := f[name]
			for _, at := range positions(len(was)) {
				altered := maps.Clone(f)
				b := bytes.Clone(was)
				b[at] ^= 1
				altered[name] = b
				if !slices.Contains(failed(Verify(altered, trust)), "manifest") {
					t.Fatalf("%s: byte %d of %s was changed, and the manifest holds", kind, at, name)
				}
				altered[nameManifest] = manifest(altered)
				if name == nameManifest {
					continue
				}
				// One that says it is of an earlier edition is not compared in what is derived, and says so.
				if r := Verify(altered, trust); r.Err() == nil && r.Edition == Edition {
					t.Fatalf("%s: byte %d of %s was changed and the manifest made to fit, and all holds", kind, at, name)
				}
			}
			without := maps.Clone(f)
			delete(without, name)
			if name == nameManifest || name == nameToken || name == nameStyle {
				continue
			}
			without[nameManifest] = manifest(without)
			if Verify(without, trust).Err() == nil {
				t.Errorf("%s: %s is missing, and all holds", kind, name)
			}
		}
	}
}

// positions are some of a file's bytes: all of a very short one, else those at both
// ends and others in between.
func positions(n int) (all []int) {
	step := 1
	if n > 100 {
		step = n / 9
	}
	for at := 0; at < n; at += step {
		all = append(all, at)
	}
	return append(all, n-1)
}

// Each check fails for what it is about, where all else was made to fit.
func TestChecksNameWhatWasAltered(t *testing.T) {
	w, kinds := sample(t)
	other := kinds["page"]
	trust := Trust{Keys: w.ring.Public(), LogKey: w.maker.LogKey}
	for _, c := range []struct {
		name  string
		alter func(Files)
		fails string // one of the checks
	}{
		{"another receipt's", func(f Files) { f[nameReceipt] = other[nameReceipt] }, "experience"},
		{"the answer", func(f Files) {
			f[nameReceipt] = bytes.Replace(f[nameReceipt], []byte(`"granted"`), []byte(`"refused"`), 1)
		}, "leaf"},
		{"the receipt in another form", func(f Files) { f[nameReceipt] = append(f[nameReceipt], '\n') }, "form"},
		{"the signature", func(f Files) { f[nameReceipt] = flipAfter(f[nameReceipt], `"signature":"`) }, "signature"},
		{"the words", func(f Files) {
			f[nameWording] = bytes.Replace(f[nameWording], []byte("Alle ablehnen"), []byte("Alle erlauben"), 1)
		}, "wording"},
		{"the law", func(f Files) { f[nameLaw] = append(f[nameLaw], ' ') }, "law"},
		{"the script", func(f Files) { f[nameScript] = append(f[nameScript], ' ') }, "script"},
		{"a module too many", func(f Files) { f[dirModules+string(canonical.Sum([]byte("x")))+".js"] = []byte("x") }, "script"},
		{"a page beside the script", func(f Files) { f[namePage] = other[namePage] }, "page"},
		{"the text", func(f Files) {
			name := versionFile("privacy", 1, fileText)
			f[name] = bytes.Replace(f[name], []byte("first"), []byte("worst"), 1)
		}, "policies"},
		{"a translation", func(f Files) { f[versionFile("privacy", 1, "de."+fileText)] = []byte("{}") }, "policies"},
		{"an entry", func(f Files) {
			name := versionFile("privacy", 1, fileEntry)
			f[name] = bytes.Replace(f[name], []byte(`"material":false`), []byte(`"material":true`), 1)
		}, "policies"},
		{"a token", func(f Files) { f[nameToken] = append(f[nameToken], 'x') }, "token"},
		{"the checkpoint", func(f Files) { f[nameCheckpoint] = bytes.Replace(f[nameCheckpoint], []byte("\n"), []byte("2\n"), 1) }, "checkpoint"},
		{"the proof of another leaf", func(f Files) { f[nameProof] = other[nameProof] }, "inclusion"},
		{"the proof of an entry", func(f Files) { f[versionFile("privacy", 1, fileProof)] = other[nameProof] }, "entries"},
		{"a file too many", func(f Files) { f["shown/more.json"] = []byte("{}") }, "files"},
		{"a version too many", func(f Files) { f[versionFile("privacy", 2, fileEntry)] = []byte("{}") }, "files"},
		{"the words of the README", func(f Files) {
			f[nameReadme] = bytes.Replace(f[nameReadme], []byte("granted"), []byte("refused"), 1)
		}, "derived"},
		{"the replay", func(f Files) {
			f[nameReplay] = bytes.Replace(f[nameReplay], []byte("Shop Ltd"), []byte("Shop Inc"), 1)
		}, "derived"},
		{"a file of what is derived too many", func(f Files) { f["derived/more.txt"] = []byte("x") }, "derived"},
		{"an edition to come", func(f Files) {
			f[nameAbout] = bytes.Replace(f[nameAbout], []byte(`"edition":`+itoa(Edition)), []byte(`"edition":99`), 1)
		}, "derived"},
		{"a schema to come", func(f Files) { f[nameAbout] = bytes.Replace(f[nameAbout], []byte(`bundle/v1`), []byte(`bundle/v2`), 1) }, "derived"},
	} {
		f := maps.Clone(kinds["script"])
		c.alter(f)
		f[nameManifest] = manifest(f)
		r := Verify(f, trust)
		if !slices.Contains(failed(r), c.fails) {
			t.Errorf("%s: %v fail, want %s among them", c.name, failed(r), c.fails)
		}
		var said bytes.Buffer
		if _, err := r.WriteTo(&said); err != nil || !strings.Contains(said.String(), "FAILED  "+c.fails) || strings.Contains(said.String(), "\nreceipt   ") {
			t.Errorf("%s: the report is\n%s", c.name, said.String())
		}
	}
}

func flipAfter(b []byte, mark string) []byte {
	at := bytes.Index(b, []byte(mark)) + len(mark)
	b = bytes.Clone(b)
	switch b[at] {
	case '-', '_': // of base64url: what follows them is not
		b[at] = 'A'
	case 'Z', 'z', '9':
		b[at]--
	default:
		b[at]++
	}
	return b
}

// What somebody has from elsewhere counts for more than what is in the bundle.
func TestTrustComesFromOutside(t *testing.T) {
	w, kinds := sample(t)
	f := kinds["script"]
	stranger := newWorld(t)
	check := func(name string, trust Trust, want ...string) {
		t.Helper()
		if got := failed(Verify(f, trust)); !slices.Equal(got, want) {
			t.Errorf("%s: %v fail, want %v", name, got, want)
		}
	}
	later := w.files(kinds["page"].id(t))[nameCheckpoint]
	w.decide(w.ask(), nil)
	grown := w.files(kinds["page"].id(t))[nameCheckpoint]
	if !bytes.Equal(later, kinds["page"][nameCheckpoint]) || bytes.Equal(later, grown) {
		t.Fatal("the log did not grow as this test takes it to")
	}
	check("nothing", Trust{})
	check("its own", Trust{Keys: w.ring.Public(), LogKey: w.maker.LogKey, Checkpoint: f[nameCheckpoint]})
	check("a stranger's keys", Trust{Keys: stranger.ring.Public()}, "key")
	check("a stranger's log", Trust{LogKey: stranger.maker.LogKey}, "checkpoint", "inclusion", "entries")
	check("a checkpoint of another size", Trust{Checkpoint: grown}, "kept checkpoint")
	leads := consistency(t, w, f[nameCheckpoint], grown)
	check("and the proof that it continues", Trust{Checkpoint: grown, Consistency: leads})
	check("a proof that leads elsewhere", Trust{Checkpoint: grown, Consistency: consistency(t, w, later, grown)}, "kept checkpoint")
	check("no proof", Trust{Checkpoint: grown, Consistency: []byte("x")}, "kept checkpoint")
	check("hashes that are none", Trust{Checkpoint: grown, Consistency: []byte(`{"proof":["x"]}`)}, "kept checkpoint")

	// Who holds the log's key can sign another tree of the same size; who kept a
	// checkpoint sees it.
	c, err := auditlog.ParseCheckpoint(f[nameCheckpoint])
	if err != nil {
		t.Fatal(err)
	}
	forked := c.Head
	forked.Root[0] ^= 1
	two, err := w.logKey.Sign(forked, w.now)
	if err != nil {
		t.Fatal(err)
	}
	check("the checkpoint of a fork", Trust{Checkpoint: two.Note}, "kept checkpoint")
	check("no checkpoint", Trust{Checkpoint: []byte("x")}, "kept checkpoint")

	for _, c := range []struct {
		trust Trust
		says  string
	}{
		{Trust{}, "whoever can make up a server can make up its keys"},
		{Trust{Keys: w.ring.Public()}, "with the keys you gave"},
		{Trust{LogKey: w.maker.LogKey, Checkpoint: f[nameCheckpoint]}, "with the key and the checkpoint you gave"},
	} {
		var said bytes.Buffer
		if _, err := Verify(f, c.trust).WriteTo(&said); err != nil || !strings.Contains(said.String(), c.says) {
			t.Errorf("the report does not say %q:\n%s", c.says, said.String())
		}
	}
}

// consistency is what volenti log consistency --json prints of two checkpoints.
func consistency(t *testing.T, w *world, older, newer []byte) []byte {
	t.Helper()
	var heads [2]auditlog.Head
	for i, text := range [][]byte{older, newer} {
		c, err := auditlog.ParseCheckpoint(text)
		if err != nil {
			t.Fatal(err)
		}
		heads[i] = c.Head
	}
	proof, err := auditlog.ProveConsistency(w.db.Hashes(t.Context()), heads[0], heads[1])
	if err != nil {
		t.Fatal(err)
	}
	lines := make([]string, len(proof))
	for i, h := range proof {
		lines[i] = h.String()
	}
	text, err := json.Marshal(map[string][]string{"proof": lines})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A whole server that somebody makes up has bundles that hold by themselves, and not
// by the real one's keys. That is what the report warns of.
func TestAMadeUpServer(t *testing.T) {
	w, _ := sample(t)
	forger, made := sample(t)
	for kind, f := range made {
		if err := Verify(f, Trust{}).Err(); err != nil {
			t.Errorf("%s of the forger: %v", kind, err)
		}
		r := Verify(f, Trust{Keys: w.ring.Public(), LogKey: w.maker.LogKey})
		if got := failed(r); !slices.Contains(got, "key") || !slices.Contains(got, "checkpoint") {
			t.Errorf("%s of the forger, by our keys: %v fail", kind, got)
		}
	}
	_ = forger
}

// A record whose personal half was removed has a bundle without it.
func TestAMinimisedRecord(t *testing.T) {
	w, kinds := sample(t)
	f := kinds["script"]
	id := f.id(t)
	if !bytes.Contains(f[nameReceipt], []byte(`"subject":"`)) {
		t.Fatal("there is no subject to be removed")
	}
	if _, err := w.db.EraseRecords(t.Context(), "shop", []string{id}, consent.Minimised, consent.ReasonRequested, w.now); err != nil {
		t.Fatal(err)
	}
	after := w.files(id)
	w.holds(after)
	if bytes.Contains(after[nameReceipt], []byte(`"subject":"`)) || !strings.Contains(string(after[nameReadme]), "was removed") {
		t.Error("the personal half is still there, or the README does not say that it went")
	}
	if _, err := w.db.EraseRecords(t.Context(), "shop", []string{id}, consent.Shredded, consent.ReasonRequested, w.now); err != nil {
		t.Fatal(err)
	}
	if _, err := w.maker.Bundle(t.Context(), "shop", id); err == nil {
		t.Error("an erased record has a bundle")
	}
	w.holds(f) // whoever has the bundle of before still has evidence
}

// A version that was exchanged with all that goes with it is still not the one that
// the next version names, and one that was left out is missing.
func TestTheChainOfVersions(t *testing.T) {
	w, _ := sample(t)
	w.now = w.now.Add(time.Hour)
	w.policy("# Privacy\n\nThe second text.\n", "# Datenschutz\n\nDer zweite Text.\n")
	id, _, _ := w.decide(w.ask(), nil)
	f := w.files(id)
	w.holds(f)
	other := newWorld(t)
	other.policy("# Privacy\n\nAnother first text.\n", "# Datenschutz\n\nEin anderer Text.\n")
	other.notice("")
	foreign, _, _ := other.decide(other.ask(), nil)
	for name, alter := range map[string]func(Files){
		"exchanged": func(f Files) {
			f[versionFile("privacy", 1, fileEntry)] = other.files(foreign)[versionFile("privacy", 1, fileEntry)]
		},
		"left out": func(f Files) { delete(f, versionFile("privacy", 1, fileEntry)) },
		"turned":   func(f Files) { f[versionFile("privacy", 1, fileEntry)] = f[versionFile("privacy", 2, fileEntry)] },
	} {
		altered := maps.Clone(f)
		alter(altered)
		altered[nameManifest] = manifest(altered)
		if got := failed(Verify(altered, Trust{})); !slices.Contains(got, "policies") {
			t.Errorf("the first version was %s: %v fail", name, got)
		}
	}
}

// A bundle can bring a checkpoint from before its receipt, and the proof that the log has
// continued it since.
func TestABundleWithAnEarlierCheckpoint(t *testing.T) {
	w, kinds := sample(t)
	hashes := w.db.Hashes(t.Context())
	sign := func(size int64) []byte {
		t.Helper()
		root, err := tlog.TreeHash(size, hashes)
		if err != nil {
			t.Fatal(err)
		}
		c, err := w.logKey.Sign(auditlog.Head{Size: size, Root: root}, w.now)
		if err != nil {
			t.Fatal(err)
		}
		return c.Note
	}
	maker := *w.maker
	maker.Continue = func(_ context.Context, earlier, later auditlog.Head) (tlog.TreeProof, error) {
		return auditlog.ProveConsistency(hashes, earlier, later)
	}
	made := func(size int64) Files {
		t.Helper()
		maker.Earlier = sign(size)
		f, err := maker.Files(t.Context(), "shop", kinds["script"].id(t))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	whole, err := auditlog.ParseCheckpoint(made(1)[nameCheckpoint])
	if err != nil {
		t.Fatal(err)
	}
	for size := int64(0); size <= whole.Head.Size; size++ {
		f := made(size)
		for name, trust := range map[string]Trust{"nothing": {}, "the earlier one": {Checkpoint: f[nameEarlier]}, "its own": {Checkpoint: f[nameCheckpoint]}} {
			if r := Verify(f, trust); r.Err() != nil || r.Earlier != size {
				t.Errorf("of %d leaves, trusting %s: %v", size, name, r.Err())
			}
		}
	}
	zip, err := Pack(made(2))
	if err != nil {
		t.Fatal(err)
	}
	if r := VerifyArchive(zip, Trust{Checkpoint: sign(2)}); r.Err() != nil {
		t.Errorf("as a file: %v", r.Err())
	}
	for name, test := range map[string]struct {
		alter func(Files)
		trust Trust
		want  []string
	}{
		"another one was kept": {func(Files) {}, Trust{Checkpoint: sign(1)}, []string{"kept checkpoint"}},
		"no proof":             {func(f Files) { delete(f, nameConsistency) }, Trust{}, []string{"earlier checkpoint"}},
		"no checkpoint":        {func(f Files) { delete(f, nameEarlier) }, Trust{}, []string{"earlier checkpoint"}},
		"other words about it": {func(f Files) {
			f[nameConsistency] = bytes.Replace(f[nameConsistency], []byte(`"size":2`), []byte(`"size":1`), 1)
		}, Trust{}, []string{"earlier checkpoint"}},
		"of another size":    {func(f Files) { f[nameEarlier] = sign(1) }, Trust{}, []string{"earlier checkpoint"}},
		"a proof of nothing": {func(f Files) { f[nameConsistency] = []byte(`{"proof":[]}`) }, Trust{}, []string{"earlier checkpoint"}},
		"unsigned":           {func(f Files) { f[nameEarlier] = bytes.Replace(f[nameEarlier], []byte("\n2\n"), []byte("\n1\n"), 1) }, Trust{}, []string{"earlier checkpoint"}},
		"and kept so":        {func(f Files) { f[nameConsistency] = []byte(`{"proof":[]}`) }, Trust{Checkpoint: sign(2)}, []string{"earlier checkpoint", "kept checkpoint"}},
		"a later one": {func(f Files) {
			c := whole.Head
			c.Size++
			later, err := w.logKey.Sign(c, w.now)
			if err != nil {
				t.Fatal(err)
			}
			f[nameEarlier] = later.Note
		}, Trust{}, []string{"earlier checkpoint"}},
	} {
		f := made(2)
		test.alter(f)
		f[nameManifest] = manifest(f)
		if got := failed(Verify(f, test.trust)); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v fail, want %v", name, got, test.want)
		}
	}
}
