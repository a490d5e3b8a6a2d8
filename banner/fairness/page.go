package fairness

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/dop251/goja"

	"github.com/volenti-consent/volenti/server/notice"
)

//go:embed dom/*.js
var domFiles embed.FS

// dom are the programs that make a browser's world, compiled once.
var dom = sync.OnceValue(func() []*goja.Program {
	var all []*goja.Program
	for _, name := range []string{"node.js", "element.js", "window.js"} {
		text, err := domFiles.ReadFile("dom/" + name)
		if err != nil {
			panic(err) // embedded
		}
		all = append(all, goja.MustCompile("dom/"+name, string(text), true))
	}
	return all
})

// scriptAddress is where the page got its script from.
const scriptAddress = "https://consent.example/b/"

// patience is how long a page may compute before it is given up.
const patience = 5 * time.Second

// errAlone answers a page that is to be without modules.
var errAlone = errors.New("this page gets no modules")

// A page is a browser's page of a visitor who has decided nothing, in which a
// compiled first layer runs. Time passes in it only when let.
type page struct {
	vm       *goja.Runtime
	host     *goja.Object
	nodes    []*node
	document *node
	script   *node
	running  *node // document.currentScript
	focused  *node
	ready    string // document.readyState
	modules  map[string]*goja.Program
	loaded   map[string]goja.Value
	clock    int

	sent   []sent   // what left the page
	stored []string // what was kept on the device
	wrong  []string // what was thrown, or said on the console
}

type sent struct{ method, url, body string }

// A decision is what a page reported.
type decision struct {
	Categories map[string]bool `json:"categories"`
	Vendors    map[string]bool `json:"vendors"`
	Action     string          `json:"action"`
}

// open makes a page and runs a first layer's script in it, as for a visitor who
// has decided nothing. Modules it fetches are found by the digest in their address.
func open(n *notice.Notice, v notice.Variant, program *goja.Program, modules map[string]*goja.Program) (*page, error) {
	p := &page{vm: goja.New(), ready: "loading", modules: modules, loaded: map[string]goja.Value{}}
	stop := time.AfterFunc(patience, func() { p.vm.Interrupt("it takes too long") })
	defer stop.Stop()
	p.document = p.make(documentNode, "")
	p.host = p.interfaces()
	for _, program := range dom() {
		f, err := p.vm.RunProgram(program)
		if err != nil {
			return nil, err
		}
		build, _ := goja.AssertFunction(f)
		if _, err := build(goja.Undefined(), p.host, p.vm.ToValue(map[string]any{"language": v.Language})); err != nil {
			return nil, fmt.Errorf("the page was not made: %w", err)
		}
	}
	html, head, body := p.make(elementNode, "html"), p.make(elementNode, "head"), p.make(elementNode, "body")
	p.script = p.make(elementNode, "script")
	p.script.set("src", scriptAddress+n.Site+".js")
	html.set("lang", v.Language)
	p.document.insert(html, nil)
	html.insert(head, nil)
	head.insert(p.script, nil)

	p.running = p.script
	made, err := p.evaluate(program)
	if err != nil {
		return nil, err
	}
	run, ok := goja.AssertFunction(made)
	if !ok {
		return nil, errors.New("it is not a function of the boot")
	}
	if _, err := run(goja.Undefined(), p.vm.ToValue(boot(n, v.Surface))); err != nil {
		return nil, err
	}
	// The script stands in the head: there is no body yet when it runs.
	p.running = nil
	html.insert(body, nil)
	body.insert(p.make(elementNode, "p"), nil)
	if n.Look.Position == "inline" { // a page that has a place for it
		body.insert(p.make(elementNode, "volenti-banner"), nil)
	}
	p.ready = "complete"
	return p, p.act(nil, `
		document.dispatchEvent(new Event('readystatechange'));
		document.dispatchEvent(new Event('DOMContentLoaded', {bubbles: true}));
		dispatchEvent(new Event('load'));`)
}

func (p *page) make(kind int, tag string) *node {
	n := &node{id: len(p.nodes), kind: kind, tag: tag, attrs: map[string]string{}, states: map[string]bool{}}
	p.nodes = append(p.nodes, n)
	return n
}

func (n *node) set(name, value string) {
	if !n.has(name) {
		n.names = append(n.names, name)
	}
	n.attrs[name] = value
}

// wait lets time pass, in milliseconds. What a page does again and again is done
// a few times.
func (p *page) wait(milliseconds int) {
	p.clock += milliseconds
	tick, ok := goja.AssertFunction(p.host.Get("tick"))
	for range 200 {
		if !ok {
			return
		}
		more, err := tick(goja.Undefined(), p.vm.ToValue(p.clock))
		if err != nil {
			p.wrong = append(p.wrong, err.Error())
			return
		}
		if !more.ToBoolean() {
			return
		}
	}
}

// act runs a line of script in the page; el is a node as it is known there.
func (p *page) act(el *node, line string) error {
	stop := time.AfterFunc(patience, func() { p.vm.Interrupt("it takes too long") })
	defer stop.Stop()
	f, err := p.vm.RunString("(function (el) {" + line + "})")
	if err != nil {
		return err
	}
	run, _ := goja.AssertFunction(f)
	wrap, _ := goja.AssertFunction(p.host.Get("shared").ToObject(p.vm).Get("wrap"))
	facade := goja.Null()
	if el != nil {
		if facade, err = wrap(goja.Undefined(), p.vm.ToValue(el.id)); err != nil {
			return err
		}
	}
	if _, err := run(goja.Undefined(), facade); err != nil {
		return err
	}
	p.wait(1000)
	return nil
}

func (p *page) click(el *node) error { return p.act(el, "el.click()") }

// decisions are those that were reported, in order.
func (p *page) decisions() []decision {
	var all []decision
	for _, s := range p.sent {
		if !strings.HasPrefix(s.url, "https://consent.example/v1/") || s.method != "POST" || !strings.HasSuffix(s.url, "/decisions") {
			continue
		}
		var d decision
		if err := json.Unmarshal([]byte(s.body), &d); err == nil {
			all = append(all, d)
		}
	}
	return all
}

// require answers import(), which lower turned into it.
func (p *page) require(address string) (goja.Value, error) {
	at, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	name := strings.TrimSuffix(at.Path[strings.LastIndex(at.Path, "/")+1:], ".js")
	if v, ok := p.loaded[name]; ok {
		return v, nil
	}
	program, ok := p.modules[name]
	if p.modules == nil {
		return nil, errAlone
	}
	if !ok {
		return nil, fmt.Errorf("%s is not one of the notice's scripts", address)
	}
	v, err := p.evaluate(program)
	if err != nil {
		return nil, err
	}
	p.loaded[name] = v
	return v, nil
}

// evaluate runs a program that lower made, and returns what it exports.
func (p *page) evaluate(program *goja.Program) (goja.Value, error) {
	f, err := p.vm.RunProgram(program)
	if err != nil {
		return nil, err
	}
	run, _ := goja.AssertFunction(f)
	module, exports := p.vm.NewObject(), p.vm.NewObject()
	if err := module.Set("exports", exports); err != nil {
		return nil, err
	}
	if _, err := run(goja.Undefined(), module, exports, p.host.Get("require")); err != nil {
		return nil, err
	}
	return module.Get("exports"), nil
}

// boot is what the server would tell a visitor who is met by this first layer.
func boot(n *notice.Notice, surface notice.Surface) map[string]any {
	letter := map[notice.Surface]string{notice.AskOptIn: "i", notice.AskOptOut: "o", notice.AskNotice: "n"}[surface]
	var models strings.Builder
	for _, c := range n.Categories {
		if c.Like == notice.Necessary {
			models.WriteString("-")
		} else {
			models.WriteString(letter)
		}
	}
	return map[string]any{"t": "1." + n.Site + ".inspection", "m": models.String(), "n": 1_700_000_000}
}
