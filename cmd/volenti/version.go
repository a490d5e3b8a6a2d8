package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/banner"
	"github.com/volenti-consent/volenti/geo"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/store"
)

// released is the version of a release; `make release` stamps it.
var released string

// version is that of the release, else of the module as it was fetched.
func version() string {
	if released != "" {
		return released
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}

// A programOut is what a program is made of, as --json writes it.
type programOut struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	System  string `json:"system"`
	SQLite  string `json:"sqlite"`
	Laws    string `json:"laws"`    // date of the law table
	Regions string `json:"regions"` // date of the embedded region database
	Banner  string `json:"banner"`  // SHA-256 of the banner's sources
}

func versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version, and what this program is made of",
		Args:  cobra.NoArgs,
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		table, err := regime.Load()
		if err != nil {
			return err
		}
		regions, err := geo.Embedded()
		if err != nil {
			return err
		}
		sources, err := banner.Sources()
		if err != nil {
			return err
		}
		v := programOut{Version: version(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Laws: table.Version,
			Regions: regions.Info().Built.Format(time.DateOnly), Banner: sources}
		v.SQLite, _ = store.EngineVersion() // whether it is to be trusted, serve and doctor say
		if *asJSON {
			return writeJSON(cmd.OutOrStdout(), v)
		}
		fmt.Fprintln(cmd.OutOrStdout(), "volenti", v.Version)
		w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 1, ' ', 0)
		for _, line := range [][2]string{{"go", v.Go}, {"system", v.System}, {"sqlite", v.SQLite}, {"laws", v.Laws}, {"regions", v.Regions}, {"banner", v.Banner}} {
			fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
		}
		return w.Flush()
	}
	return cmd
}
