// Package deployment holds the files by which others run the server against the programs
// that will read them: the image's recipe, the compose files, the Helm chart. It is a
// module of its own, so that none of those programs is among the server's dependencies.
package deployment

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

const root = "../.."

// What the image sets, by name. The server must know each of them, or it refuses to start.
func imageEnvironment(t *testing.T) map[string]string {
	t.Helper()
	file, err := os.Open(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	parsed, err := parser.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range parsed.Warnings {
		t.Errorf("Dockerfile: %s (%s)", warning.Short, warning.URL)
	}
	rules := linter.New(&linter.Config{Warn: func(rule, _, _, message string, at []parser.Range) {
		t.Errorf("Dockerfile:%d: %s: %s", at[0].Start.Line, rule, message)
	}})
	stages, _, err := instructions.Parse(parsed.AST, rules)
	if err != nil {
		t.Fatal(err)
	}
	final := stages[len(stages)-1]
	values := map[string]string{}
	unprivileged, starts, trusts := false, false, false
	for _, command := range final.Commands {
		switch c := command.(type) {
		case *instructions.EnvCommand:
			for _, pair := range c.Env {
				values[pair.Key] = pair.Value
			}
		case *instructions.UserCommand:
			unprivileged = c.User != "root" && !strings.HasPrefix(c.User, "0")
		case *instructions.CopyCommand:
			trusts = trusts || c.DestPath == "/etc/ssl/certs/" // where Go looks for them
		case *instructions.EntrypointCommand:
			starts = !c.PrependShell // there is no shell in the image
		}
	}
	if !unprivileged || !starts || !trusts {
		t.Errorf("the image runs as root (%t), starts by a shell (%t) or trusts no authority (%t)", !unprivileged, !starts, !trusts)
	}
	return values
}

func TestDockerfile(t *testing.T) {
	known := settings(t)
	for name := range imageEnvironment(t) {
		if !known[name] {
			t.Errorf("Dockerfile sets %s, which is no setting", name)
		}
	}
}

func TestComposeFiles(t *testing.T) {
	known := settings(t)
	for _, name := range []string{"compose.yaml", "compose-postgres.yaml"} {
		options, err := cli.NewProjectOptions([]string{filepath.Join(root, "docs/operate", name)},
			cli.WithEnv([]string{"KEYS_SECRET=secret", "DB_PASSWORD=password"}), cli.WithName("volenti"))
		if err != nil {
			t.Fatal(err)
		}
		project, err := options.LoadProject(context.Background())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		nodes := 0
		for _, service := range project.Services {
			if service.Build == nil {
				continue
			}
			nodes++
			if _, err := os.Stat(filepath.Join(service.Build.Context, "Dockerfile")); err != nil {
				t.Errorf("%s: %s is built from nothing: %v", name, service.Name, err)
			}
			if !service.ReadOnly || len(service.CapDrop) == 0 || service.User != "" {
				t.Errorf("%s: %s may do more than it needs", name, service.Name)
			}
			for variable := range service.Environment {
				if !known[variable] {
					t.Errorf("%s: %s sets %s, which is no setting", name, service.Name, variable)
				}
			}
			data := false
			for _, volume := range service.Volumes {
				data = data || (volume.Target == imageEnvironment(t)["VOLENTI_DATA"] && volume.Type == types.VolumeTypeVolume)
			}
			if !data {
				t.Errorf("%s: %s keeps its data in no volume", name, service.Name)
			}
		}
		if nodes == 0 {
			t.Errorf("%s: no service is built", name)
		}
	}
}

func TestHelmChart(t *testing.T) {
	folder := filepath.Join(root, "docs/operate/helm")
	for name, values := range map[string]map[string]any{
		"as it is": {},
		"several nodes": {
			"postgres": map[string]any{"secret": "volenti"},
			"storage":  map[string]any{"className": "fast"},
			"ingress":  map[string]any{"className": "nginx", "annotations": map[string]any{"a": "b"}},
			"settings": map[string]any{"limits.nodes": 3.0, "limits.site": 5000000.0, "log_format": "json", "log.pins": []any{"a", "b"}},
			"metrics":  map[string]any{"serviceMonitor": true},
		},
		"nothing around it": {"ingress": map[string]any{"enabled": false}, "metrics": map[string]any{"enabled": false}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, message := range lint.All(folder, values, "default", true).Messages {
				if message.Severity >= support.WarningSev {
					t.Error(message)
				}
			}
			for _, file := range render(t, folder, values) {
				examine(t, file)
			}
			// A file of values has numbers as floats, and lists.
			if all := strings.Join(render(t, folder, values), ""); values["settings"] != nil &&
				(!strings.Contains(all, "value: \"5000000\"\n") || !strings.Contains(all, "value: \"a,b\"\n")) {
				t.Errorf("numbers and lists do not arrive as the server reads them:\n%s", all)
			}
		})
	}
}

func render(t *testing.T, folder string, values map[string]any) (documents []string) {
	t.Helper()
	chart, err := loader.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	all, err := chartutil.ToRenderValues(chart, values, chartutil.ReleaseOptions{Name: "consent", Namespace: "default"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	files, err := engine.Engine{Strict: true}.Render(chart, all)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		for _, document := range strings.Split(file, "\n---\n") {
			if strings.TrimSpace(document) != "" {
				documents = append(documents, document)
			}
		}
	}
	if len(documents) == 0 {
		t.Fatal("the chart makes nothing")
	}
	return documents
}

// examine decodes a document as the API server does that is told to refuse unknown and
// repeated fields, and looks at what no schema says.
func examine(t *testing.T, document string) {
	t.Helper()
	var kind struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
		t.Fatalf("%v\n%s", err, document)
	}
	var into any
	switch kind.APIVersion + " " + kind.Kind {
	case "apps/v1 StatefulSet":
		into = &appsv1.StatefulSet{}
	case "v1 Service":
		into = &corev1.Service{}
	case "networking.k8s.io/v1 Ingress":
		into = &networkingv1.Ingress{}
	case "monitoring.coreos.com/v1 ServiceMonitor": // of an operator, without a module of types
		return
	default:
		t.Fatalf("a %s %s is not expected", kind.APIVersion, kind.Kind)
	}
	if err := yaml.UnmarshalStrict([]byte(document), into); err != nil {
		t.Fatalf("%s: %v\n%s", kind.Kind, err, document)
	}
	set, ok := into.(*appsv1.StatefulSet)
	if !ok {
		return
	}
	known, pod := settings(t), set.Spec.Template.Spec
	container := pod.Containers[0]
	said := map[string]bool{}
	for _, variable := range container.Env {
		if !known[variable.Name] || said[variable.Name] {
			t.Errorf("%s is no setting, or is set twice", variable.Name)
		}
		said[variable.Name] = true
	}
	ports := map[string]bool{}
	for _, port := range container.Ports {
		ports[port.Name] = true
	}
	for _, probe := range []*corev1.Probe{container.LivenessProbe, container.ReadinessProbe, container.StartupProbe} {
		if probe == nil || !ports[probe.HTTPGet.Port.StrVal] {
			t.Errorf("a probe asks at a port that is not there: %v", probe)
		}
	}
	volumes := map[string]bool{}
	for _, volume := range pod.Volumes {
		volumes[volume.Name] = true
	}
	for _, claim := range set.Spec.VolumeClaimTemplates {
		volumes[claim.Name] = true
	}
	for _, mount := range container.VolumeMounts {
		if !volumes[mount.Name] {
			t.Errorf("%s is mounted and not there", mount.Name)
		}
	}
	if pod.EnableServiceLinks == nil || *pod.EnableServiceLinks {
		t.Error("the names of other services reach the environment, where they may be taken for settings")
	}
}

var flag = regexp.MustCompile(`(?m)\((VOLENTI_[A-Z_]+)\)`)

// settings are the variables that the server reads, by what it says itself.
var settings = func() func(t *testing.T) map[string]bool {
	var help []byte
	var failed error
	var once sync.Once
	return func(t *testing.T) map[string]bool {
		t.Helper()
		once.Do(func() {
			run := exec.Command("go", "run", "./cmd/volenti", "serve", "--help")
			run.Dir = root
			help, failed = run.Output()
		})
		known := map[string]bool{"VOLENTI_KEYS_SECRET": true} // a variable alone
		for _, found := range flag.FindAllSubmatch(help, -1) {
			known[string(found[1])] = true
		}
		if failed != nil || len(known) < 20 {
			t.Fatalf("the server's settings can't be read: %v\n%s", failed, help)
		}
		return known
	}
}()
