package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server"
	"github.com/volenti-consent/volenti/server/admin"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/metrics"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/socket"
	"github.com/volenti-consent/volenti/server/visitor"
	"github.com/volenti-consent/volenti/web"
)

func serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve banners, record decisions, keep receipts",
		Args:  cobra.NoArgs,
	}
	flags := addConfigFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := flags.load(os.Getenv)
		if err != nil {
			return err
		}
		return serve(cmd.Context(), cfg, nil, time.Now, logger(cfg))
	}
	return cmd
}

func logger(cfg *Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.LogLevel)) // validated
	options := &slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}

// serve runs until ctx ends, then finishes what it accepted. With a gateway it
// stands before a site. It dates by now, the machine's clock.
func serve(ctx context.Context, cfg *Config, g *gateway, now func() time.Time, log *slog.Logger) (err error) {
	tendHeap()
	life, err := begin(ctx, cfg, log)
	if err != nil {
		return err
	}
	warnOfStrays(ctx, log)
	in, err := open(ctx, cfg.home())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.close(), life.sockets.Release()) }()
	in.now = now
	table, err := regime.Load()
	if err != nil {
		return fmt.Errorf("law table: %w", err)
	}
	pages, err := web.New()
	if err != nil {
		return err
	}
	cookies, err := visitor.NewCookies(in.secrets.Cookie...)
	if err != nil {
		return err
	}
	listener, err := life.sockets.Listen(ctx, socket.Main, cfg.Listen)
	if err != nil {
		return usage(fmt.Errorf("%w; choose another address with --listen", err))
	}
	defer listener.Close()
	rules, err := newRuleBook()
	if err != nil {
		return err
	}

	// Loops outlive ctx: they serve the requests that a stop waits for.
	var background sync.WaitGroup
	defer background.Wait()
	loops, stopLoops := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLoops()
	if listener, err = secure(loops, cfg, life.sockets, listener, log, &background); err != nil {
		return err
	}
	locate, regions, err := locator(loops, cfg, log, &background)
	if err != nil {
		return err
	}
	var shop *demonstration
	if cfg.Demo {
		if shop, err = startDemo(loops, cfg, in, life.sockets, listener.Addr().String(), &background, os.Stdout); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
	directory := &visitor.Directory{Sites: in.db, Notices: in.db, Versions: in.db, Now: now, Log: log}
	if err := directory.Refresh(ctx); err != nil {
		return err
	}
	background.Go(func() { directory.Keep(loops, time.Second) })
	background.Go(func() { directory.ReadAhead(loops, 10*time.Millisecond) })

	check := &checking{}
	background.Go(func() { check.run(loops, in.db, log) })

	tracer, err := newTracer(cfg, os.Getenv, log)
	if err != nil {
		return err
	}
	book, err := openLog(cfg, in, log)
	if err != nil {
		return err
	}
	watch := &clock{now: now, shared: in.db.Clock}
	if err := watch.compare(ctx); err != nil {
		return err
	}
	background.Go(func() { watch.keep(loops, log) })
	tally := &visitor.Tally{Store: in.db, Now: now, Wrong: watch.wrong, Log: log}
	background.Go(func() { tally.Keep(loops, 10*time.Second) })
	book.Wrong = watch.wrong
	book.OnSign = func(took time.Duration, err error) { tracer.Done("log.checkpoint", 1, took, err) }
	background.Go(func() { book.Keep(loops) })
	jobs := []func(context.Context){book.KeepOutside,
		func(ctx context.Context) { book.KeepStandings(ctx, in.db) },
		func(ctx context.Context) { keepRetention(ctx, in, log) },
		func(ctx context.Context) { countEarlier(ctx, in.db, log) }}
	if cfg.BackupFolder != "" {
		jobs = append(jobs, (&backupJob{db: in.db, keys: in.keys, cfg: cfg, log: log, now: now}).keep)
	}

	laws := &visitor.Laws{Table: table}
	archive := &visitor.Archive{Store: in.db, Notices: in.db, Versions: in.db, Log: log, Style: pages.Stylesheet}
	tokens := consent.NewTokens(in.secrets.Token...)
	var recorder *consent.Recorder
	measured := metrics.New(version(), gaugesOf(in.db, cfg.newestBackup, func() int { return recorder.Waiting() }, func() int { return len(directory.All()) }, regions)...)
	newest, err := newestRecord(ctx, cfg, in)
	if err != nil {
		return err
	}
	recorder = consent.NewRecorder(in.db, in.keyring, consent.RecorderOptions{Now: now, Newest: newest, Wrong: watch.wrong, OnBatch: func(records int, took time.Duration, err error) {
		measured.Batch(records, took, err)
		tracer.Done("record.batch", records, took, err)
	}})
	metricsToken, err := cfg.metricsToken()
	if err != nil {
		return err
	}
	if err := serveMetrics(loops, life.sockets, cfg.MetricsListen, measured, log, &background); err != nil {
		return err
	}
	script := &visitor.Script{Directory: directory, Locate: locate, Laws: laws, Cookies: cookies,
		Tokens: tokens, Archive: archive, Now: now, Override: cfg.RegionOverride, Tally: tally}
	decisions := &visitor.Decisions{Directory: directory, Archive: archive, Laws: laws, Recorder: recorder,
		Tokens: tokens, Cookies: cookies, Now: now, PublicURL: cfg.PublicURL}
	choices := &visitor.ChoicesPage{Script: script, Decisions: decisions, Store: in.db, Web: pages}
	cookies.Elsewhere = &visitor.Elsewhere{Kept: in.db, Script: script, Store: in.db}
	if err := cookies.Elsewhere.Refresh(ctx); err != nil {
		return err
	}
	background.Go(func() { cookies.Elsewhere.Keep(loops, time.Second, log) })
	passes := visitor.NewPasses(in.db, now, in.secrets.Cookie...)
	in.follow(func(in *installation) error {
		tokens.Replace(in.secrets.Token...)
		passes.Replace(in.secrets.Cookie...)
		return cookies.Replace(in.secrets.Cookie...)
	})
	decisions.OptOut = &visitor.OptOut{Web: pages, PublicURL: cfg.PublicURL, HTTPS: cfg.https(),
		Directory: directory, Passes: passes, Addresses: cfg.Addresses, Runs: in.db, Now: now}
	trusted, err := trustedProxies(cfg)
	if err != nil {
		return err
	}
	requests, courier, err := startRequests(cfg, in, table, &visitor.ChoicesPage{Script: script, Decisions: decisions, Store: in.db, Web: pages}, listener, log)
	if err != nil {
		return err
	}
	courier.Client.Transport = tracer.Calls("webhook", courier.Client.Transport)
	jobs = append(jobs, func(ctx context.Context) { courier.Keep(ctx, time.Second) })
	requests.Passes = passes
	csp := &visitor.CSP{Script: script, Rules: rules.of, PublicURL: cfg.PublicURL, Trusted: trusted}
	before, err := g.before(front{cfg, script, csp, pages, log})
	if err != nil {
		return err
	}
	// Behind the gateway there is no console: on a website's own origin that site's
	// scripts could use it.
	var desk *admin.Console
	link := ""
	if g == nil {
		if desk, err = newConsole(cfg, in, log); err != nil {
			return err
		}
		desk.Insight.Table, desk.Insight.Regions, desk.Insight.Bundle = table, ageOf(regions), bundles(in, book).Bundle
		desk.Requests, desk.Languages = requests.Service, pages.Languages()
		desk.Insight.Outdated = newFreshness(loops, in.db, log, &background).outdated
		if link, err = firstLink(ctx, in.db, baseURL(cfg, listener.Addr().String()), now()); err != nil {
			return err
		}
	}
	bounds, err := limits(cfg, recorder.Full, measured)
	if err != nil {
		return err
	}
	decisions.Admit = bounds.Admit
	srv := server.New(server.Deps{
		Limits: bounds,
		Log:    log, Now: now, Pages: pages,
		Script: script, Record: decisions,
		OptOut:       decisions.OptOut,
		Choices:      choices,
		Centre:       &visitor.Centre{Choices: choices, Elsewhere: cookies.Elsewhere, Passes: passes, Requests: requests},
		Requests:     requests,
		Declarations: &visitor.Declarations{Directory: directory, Web: pages},
		Pinned:       &visitor.Pinned{Script: script, Store: in.db},
		Receipts:     &visitor.Receipts{Store: in.db, Directory: directory, Keys: in.keyring, PublicURL: cfg.PublicURL, Prover: book, Bundles: bundles(in, book)},
		Tags:         &visitor.Tags{Script: script, Store: in.db},
		Policies:     &visitor.Policies{Versions: in.db, Sites: in.db, Web: pages, Now: now, Origin: cfg.PublicURL, Indexed: cfg.ArchiveIndexed},
		Changes:      &visitor.Changes{Directory: directory},
		CSP:          csp,
		Transparency: book, PublicLog: cfg.LogPublic,
		Console:      desk,
		Metrics:      measured,
		Traces:       tracer,
		MetricsToken: metricsToken,
		Handover:     &visitor.Handovers{Script: script, Decisions: decisions},
		Before:       before,
		Ready:        func(ctx context.Context) error { return errors.Join(recorder.Clock(), in.db.Ready(ctx)) },
		Checked:      check.share,
		Wrong:        watch.wrong,
		HTTPS:        cfg.https(),
		Demo:         shop.handler(),
	})
	background.Go(func() { in.followKeys(loops, log) })
	background.Go(func() { in.alone(loops, log, watch.right, jobs...) })
	afterStart()
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
	log.InfoContext(ctx, "serving", "listen", listener.Addr().String(), "data", cfg.Data)
	if shop == nil {
		greet(os.Stdout, link)
	}
	shop.welcome(os.Stdout, link)
	life.ready(loops)
	if err := life.until(ctx, served); err != nil {
		return err
	}
	log.InfoContext(loops, "stopping: finishing what was accepted")
	finish, cancel := context.WithTimeout(loops, cfg.ShutdownTimeout)
	defer cancel()
	// Requests first, then the records they handed over; the database last.
	err = errors.Join(life.leave(finish, srv, listener), srv.Shutdown(finish), recorder.Close(finish), tracer.Close(finish))
	stopLoops()
	return err
}
