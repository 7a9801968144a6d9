// This program evaluates rule files with Prometheus's own packages over simulated time.
//
// It reads a scenario as JSON from standard input and writes what every evaluation left: alerts in
// each state, and at the end the samples of every series that the rules made.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

type series struct {
	Labels map[string]string `json:"labels"`
	Times  []int64           `json:"times"`
	Bits   []string          `json:"bits"`
}

type step struct {
	At      int64 `json:"at"`
	Restart bool  `json:"restart"`
}

type scenario struct {
	Files       []string `json:"files"`
	Steps       []step   `json:"steps"`
	Series      []series `json:"series"`
	ExternalURL string   `json:"external_url"`
}

type alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	State       string            `json:"state"`
	ActiveAt    int64             `json:"active_ms"`
	Bits        string            `json:"bits"`
	Kept        bool              `json:"kept"`
}

type outcome struct {
	Alerts [][]alert           `json:"alerts"`
	Errors []map[string]string `json:"errors"`
	Series []series            `json:"series"`
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func bits(value float64) string { return strconv.FormatUint(math.Float64bits(value), 10) }

type world struct {
	db     *tsdb.DB
	engine *promql.Engine
	given  scenario
	groups []*rules.Group
	count  int
}

func (w *world) start() {
	external, err := url.Parse(w.given.ExternalURL)
	must(err)
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc:       rules.EngineQueryFunc(w.engine, w.db),
		Appendable:      w.db,
		Queryable:       w.db,
		Context:         context.Background(),
		ExternalURL:     external,
		NotifyFunc:      func(context.Context, string, ...*rules.Alert) {},
		Logger:          slog.New(slog.DiscardHandler),
		OutageTolerance: time.Hour,
		ForGracePeriod:  10 * time.Minute,
		ResendDelay:     time.Minute,
	})
	loaded, errs := manager.LoadGroups(
		time.Minute, labels.EmptyLabels(), w.given.ExternalURL, nil, false, w.given.Files...)
	for _, err := range errs {
		must(err)
	}
	w.groups = w.groups[:0]
	for _, group := range loaded {
		w.groups = append(w.groups, group)
	}
	sort.Slice(w.groups, func(a, b int) bool { return w.groups[a].Name() < w.groups[b].Name() })
	w.count = 0
}

func (w *world) evaluate(at int64) ([]alert, map[string]string) {
	moment := time.UnixMilli(at).UTC()
	found, wrong := []alert{}, map[string]string{}
	w.count++
	for _, group := range w.groups {
		group.Eval(context.Background(), moment)
		if w.count == 2 {
			group.RestoreForState(moment)
		}
		for _, rule := range group.Rules() {
			if rule.LastError() != nil {
				wrong[group.Name()+"/"+rule.Name()] = rule.LastError().Error()
			}
		}
		for _, rule := range group.AlertingRules() {
			for _, each := range rule.ActiveAlerts() {
				found = append(found, alert{
					Labels:      each.Labels.Map(),
					Annotations: each.Annotations.Map(),
					State:       each.State.String(),
					ActiveAt:    each.ActiveAt.UnixMilli(),
					Bits:        bits(each.Value),
					Kept:        !each.KeepFiringSince.IsZero(),
				})
			}
		}
	}
	return found, wrong
}

func (w *world) dump(until int64) []series {
	inputs := map[string]bool{}
	for _, each := range w.given.Series {
		inputs[each.Labels["__name__"]] = true
	}
	querier, err := w.db.Querier(0, until+1)
	must(err)
	defer querier.Close()
	made := []series{}
	set := querier.Select(context.Background(), true, nil,
		labels.MustNewMatcher(labels.MatchRegexp, "__name__", ".+"))
	for set.Next() {
		if inputs[set.At().Labels().Get("__name__")] {
			continue
		}
		one := series{Labels: set.At().Labels().Map()}
		samples := set.At().Iterator(nil)
		for samples.Next() == chunkenc.ValFloat {
			at, value := samples.At()
			one.Times = append(one.Times, at)
			one.Bits = append(one.Bits, bits(value))
		}
		made = append(made, one)
	}
	must(set.Err())
	return made
}

func main() {
	var given scenario
	must(json.NewDecoder(os.Stdin).Decode(&given))
	folder, err := os.MkdirTemp("", "ruler")
	must(err)
	defer os.RemoveAll(folder)
	options := tsdb.DefaultOptions()
	options.RetentionDuration = math.MaxInt64
	options.OutOfOrderTimeWindow = (48 * time.Hour).Milliseconds()
	db, err := tsdb.Open(folder, slog.New(slog.DiscardHandler), nil, options, nil)
	must(err)
	defer db.Close()
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples:               50_000_000,
		Timeout:                  time.Minute,
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return 60_000 },
	})
	w := &world{db: db, engine: engine, given: given}
	w.start()
	next := make([]int, len(given.Series))
	var result outcome
	for _, one := range given.Steps {
		app := db.Appender(context.Background())
		for row, each := range given.Series {
			for next[row] < len(each.Times) && each.Times[next[row]] <= one.At {
				raw, err := strconv.ParseUint(strings.TrimSpace(each.Bits[next[row]]), 10, 64)
				must(err)
				_, err = app.Append(0, labels.FromMap(each.Labels), each.Times[next[row]],
					math.Float64frombits(raw))
				must(err)
				next[row]++
			}
		}
		must(app.Commit())
		if one.Restart {
			w.start()
		}
		alerts, wrong := w.evaluate(one.At)
		result.Alerts = append(result.Alerts, alerts)
		result.Errors = append(result.Errors, wrong)
	}
	result.Series = w.dump(given.Steps[len(given.Steps)-1].At)
	must(json.NewEncoder(os.Stdout).Encode(result))
}
