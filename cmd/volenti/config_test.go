package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func load(t *testing.T, file string, env map[string]string, args ...string) (*Config, error) {
	t.Helper()
	set := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	flags := addConfigFlags(set)
	if file != "" {
		path := filepath.Join(t.TempDir(), "volenti.toml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return flags.load(func(name string) string { return env[name] })
}

func TestFlagsOutrankTheEnvironmentAndThatTheFile(t *testing.T) {
	file := `
listen = "127.0.0.1:1"
data = "of-the-file"
shutdown_timeout = "3s"
[geo]
trusted_proxies = ["10.0.0.0/8", "2001:db8::/32"]
address_header = "x-forwarded-for"
[log]
level = "warn"
`
	cfg, err := load(t, file, map[string]string{"VOLENTI_LISTEN": "127.0.0.1:2", "VOLENTI_LOG_LEVEL": "error"}, "--log-level", "debug", "--region-override")
	if err != nil {
		t.Fatal(err)
	}
	want := defaults()
	want.Listen, want.Data, want.ShutdownTimeout = "127.0.0.1:2", "of-the-file", 3*time.Second
	want.TrustedProxies, want.AddressHeader = []string{"10.0.0.0/8", "2001:db8::/32"}, "x-forwarded-for"
	want.LogLevel, want.RegionOverride = "debug", true
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("got  %+v\nwant %+v", cfg, want)
	}
}

func TestAllMistakesAreReportedAtOnce(t *testing.T) {
	_, err := load(t, "listen = \"nowhere\"\n[geo]\nedge = \"cloudfare\"\ntrusted = true\n", map[string]string{"VOLENTI_SHUTDOWN_TIMEOUT": "soon"}, "--log-format", "xml")
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"listen", "cloudfare", "geo.trusted", "VOLENTI_SHUTDOWN_TIMEOUT", "log.format"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing about %s in:\n%v", want, err)
		}
	}
	if exitCode(err) != exitUsage {
		t.Errorf("exit code %d", exitCode(err))
	}
}

// The manual is the table: every setting has a flag, a name in the environment,
// and a sentence.
func TestEverySettingIsInTheManual(t *testing.T) {
	fields := reflect.TypeFor[Config]().NumField()
	if got := len(defaults().settings()); got != fields {
		t.Errorf("%d settings for %d fields", got, fields)
	}
	for _, s := range defaults().settings() {
		if s.help == "" || !strings.HasPrefix(s.env(), "VOLENTI_") || strings.ContainsAny(s.flag(), "._") {
			t.Errorf("%s: env %s, flag %s, help %q", s.name, s.env(), s.flag(), s.help)
		}
	}
}
