package cluster

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// The machines of the cluster. Each database can be the first one.
var (
	databases = []string{"db1", "db2"}
	servers   = []string{"n1", "n2", "n3"}
)

const (
	postgresPort = "5432"
	httpPort     = "8080"
)

// Wires are what connects the machines: clients reach every node at all times, and what
// lies behind the nodes can be cut into groups that do not hear of one another: without
// an answer, as when a switch dies, and not with a refusal.
type wires interface {
	// command makes a process of a machine, by somebody who is not root.
	command(machine string, args ...string) *exec.Cmd
	// listen is where a machine listens for the others, or a node for clients.
	listen(machine string) string
	// reach is where from finds the database to.
	reach(from, to string) string
	// split lets groups of machines hear their own group alone; those not named are one.
	split(groups ...[]string)
	kind() string
}

func newWires(t *testing.T) wires {
	if os.Geteuid() == 0 && os.Getenv("VOLENTI_WIRES") != "proxies" {
		n := &namespaces{t: t, mark: fmt.Sprintf("v%d", os.Getpid()%10000)}
		err := n.make()
		if err == nil {
			t.Cleanup(n.remove)
			return n
		}
		n.remove()
		t.Logf("no network namespaces here (%v): connections go through proxies of ours instead", err)
	} else {
		t.Log("not root, or told so: no network namespaces: connections go through proxies of ours instead")
	}
	return newProxies(t)
}

// somebody is a user who is not root, where we are.
func somebody() (name string, cred *syscall.Credential) {
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil && os.Geteuid() == 0 {
			uid, _ := strconv.ParseUint(u.Uid, 10, 32)
			gid, _ := strconv.ParseUint(u.Gid, 10, 32)
			return name, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return "", nil
}

// namespaces: each machine has a network of its own. Those behind meet on bridges.
type namespaces struct {
	t    *testing.T
	mark string
}

func (n *namespaces) kind() string { return "network namespaces" }

func (n *namespaces) space(machine string) string { return n.mark + machine }

func (n *namespaces) number(machine string) int {
	return 1 + slices.Index(append(slices.Clone(databases), servers...), machine)
}

func (n *namespaces) net() int { return os.Getpid() % 250 }

func (n *namespaces) back(machine string) string {
	return fmt.Sprintf("10.213.%d.%d", n.net(), n.number(machine))
}

func (n *namespaces) front(machine string, end int) string {
	return fmt.Sprintf("10.214.%d.%d", n.net(), 4*n.number(machine)+end)
}

func (n *namespaces) bridge(i int) string { return fmt.Sprintf("%sb%d", n.mark, i) }

func ip(args ...string) error {
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

func (n *namespaces) make() error {
	do := [][]string{}
	for i := range 3 {
		do = append(do, []string{"link", "add", n.bridge(i), "type", "bridge"}, []string{"link", "set", n.bridge(i), "up"})
	}
	for _, m := range append(slices.Clone(databases), servers...) {
		s := n.space(m)
		do = append(do, []string{"netns", "add", s}, []string{"-n", s, "link", "set", "lo", "up"},
			[]string{"link", "add", s + "b", "type", "veth", "peer", "name", "back", "netns", s},
			[]string{"link", "set", s + "b", "master", n.bridge(0), "up"},
			[]string{"-n", s, "addr", "add", n.back(m) + "/24", "dev", "back"}, []string{"-n", s, "link", "set", "back", "up"},
			[]string{"link", "add", s + "f", "type", "veth", "peer", "name", "front", "netns", s},
			[]string{"addr", "add", n.front(m, 1) + "/30", "dev", s + "f"}, []string{"link", "set", s + "f", "up"},
			[]string{"-n", s, "addr", "add", n.front(m, 2) + "/30", "dev", "front"}, []string{"-n", s, "link", "set", "front", "up"})
	}
	for _, args := range do {
		if err := ip(args...); err != nil {
			return err
		}
	}
	return nil
}

func (n *namespaces) remove() {
	for _, m := range append(slices.Clone(databases), servers...) {
		_ = ip("netns", "del", n.space(m))
		_ = ip("link", "del", n.space(m)+"b")
		_ = ip("link", "del", n.space(m)+"f")
	}
	for i := range 3 {
		_ = ip("link", "del", n.bridge(i))
	}
}

func (n *namespaces) command(machine string, args ...string) *exec.Cmd {
	name, _ := somebody()
	// Both of these become the program: its process is the one we started.
	args = append([]string{"netns", "exec", n.space(machine), "setpriv", "--reuid=" + name, "--regid=" + name, "--clear-groups", "--"}, args...)
	return exec.Command("ip", args...)
}

func (n *namespaces) listen(machine string) string {
	if slices.Contains(databases, machine) {
		return net.JoinHostPort(n.back(machine), postgresPort)
	}
	return net.JoinHostPort(n.front(machine, 2), httpPort)
}

func (n *namespaces) reach(_, to string) string { return n.listen(to) }

func (n *namespaces) split(groups ...[]string) {
	for _, m := range append(slices.Clone(databases), servers...) {
		at := 0
		for i, g := range groups {
			if slices.Contains(g, m) {
				at = 1 + i
			}
		}
		if err := ip("link", "set", n.space(m)+"b", "master", n.bridge(at)); err != nil {
			n.t.Error(err)
		}
	}
}

// proxies: all machines are this one, and what they say to one another goes through us.
type proxies struct {
	t       *testing.T
	mu      sync.Mutex
	heard   *sync.Cond
	group   map[string]int // guarded by mu
	at      map[string]string
	between map[[2]string]string
}

func newProxies(t *testing.T) *proxies {
	p := &proxies{t: t, group: map[string]int{}, at: map[string]string{}, between: map[[2]string]string{}}
	p.heard = sync.NewCond(&p.mu)
	for _, m := range append(slices.Clone(databases), servers...) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		p.at[m] = l.Addr().String()
		_ = l.Close()
	}
	for _, to := range databases {
		for _, from := range append(slices.Clone(databases), servers...) {
			if from == to {
				continue
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			p.between[[2]string{from, to}] = l.Addr().String()
			go p.serve(l, from, to)
		}
	}
	return p
}

func (p *proxies) kind() string { return "proxies" }

func (p *proxies) command(_ string, args ...string) *exec.Cmd {
	c := exec.Command(args[0], args[1:]...)
	if _, cred := somebody(); cred != nil {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
	}
	return c
}

func (p *proxies) listen(machine string) string { return p.at[machine] }

func (p *proxies) reach(from, to string) string { return p.between[[2]string{from, to}] }

func (p *proxies) split(groups ...[]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.group)
	for i, g := range groups {
		for _, m := range g {
			p.group[m] = 1 + i
		}
	}
	p.heard.Broadcast()
}

// wait until both hear one another.
func (p *proxies) wait(from, to string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.group[from] != p.group[to] {
		p.heard.Wait()
	}
}

func (p *proxies) serve(l net.Listener, from, to string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			p.wait(from, to)
			d, err := net.Dial("tcp", p.at[to])
			if err != nil {
				_ = c.Close()
				return
			}
			carry := func(a, b net.Conn) {
				buf := make([]byte, 32<<10)
				for {
					n, err := a.Read(buf)
					p.wait(from, to)
					if n > 0 {
						if _, err := b.Write(buf[:n]); err != nil {
							break
						}
					}
					if err != nil {
						break
					}
				}
				_, _ = a.Close(), b.Close()
			}
			go carry(d, c)
			carry(c, d)
		}()
	}
}
