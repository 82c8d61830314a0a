//go:build real && linux

package bench_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

// probe is a child that measures how fast the server's core is: it validates
// some JSON there again and again, for a small part of the time.
type probe struct{ *child }

const probeEvery = 10 * time.Millisecond

func startProbe(ctx context.Context) (probe, error) {
	c, err := spawn(ctx, job{Way: probing})
	if err != nil {
		return probe{}, err
	}
	return probe{c}, bindTo(ctx, c.Process.Pid, limitCore)
}

// end returns the mean, in MB per second.
func (p probe) end() (float64, error) {
	err := p.in.Close()
	var mean float64
	return mean, errors.Join(err, json.NewDecoder(p.out).Decode(&mean), p.Wait())
}

// measurePace is what the child does until its input ends.
func measurePace() error {
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	text := []byte("[" + strings.Repeat(`{"id":"disk-4711","severity":"critical","n":[94,2.5e3,true,null],"subject":"Disk \"full\""},`, 50) + "0]")
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for sum, n := 0.0, 0; ; n++ {
		begin := time.Now()
		if !json.Valid(text) {
			return errors.New("the probe's text is no JSON")
		}
		sum += float64(len(text)) / 1e6 / time.Since(begin).Seconds()
		select {
		case err := <-ended:
			return errors.Join(err, json.NewEncoder(os.Stdout).Encode(sum/float64(n+1)))
		case <-tick.C:
		}
	}
}

// sensitivity is the power of the core's pace with which the rates go: the
// slope of their logarithms, within the contestants (analysis of covariance).
func sensitivity(rounds []round) float64 {
	var both, square float64
	for name := range rounds[0] {
		x := meanLog(rounds, name, corePace)
		y := meanLog(rounds, name, rate)
		for _, r := range rounds {
			dx := math.Log(r[name].Pace) - x
			both += dx * (math.Log(r[name].Rate) - y)
			square += dx * dx
		}
	}
	if square == 0 {
		return 0
	}
	return both / square
}

// meanLog is the mean of logarithms over the rounds.
func meanLog(rounds []round, name string, get func(figure) float64) float64 {
	var sum float64
	for _, r := range rounds {
		sum += math.Log(get(r[name]))
	}
	return sum / float64(len(rounds))
}

// evenRate is a rate that can be compared with others whatever the core's pace was.
func evenRate(power float64) func(figure) float64 {
	return func(f figure) float64 { return f.Rate / math.Pow(f.Pace, power) }
}

// Whatever the core does, a contestant who is slower by a tenth is found to be.
func TestRatioAtEqualPace(t *testing.T) {
	var rounds []round
	for i := range 9 {
		at := func(share, pace float64) figure { return figure{Rate: share * 10 * pace * pace, Pace: pace} }
		rounds = append(rounds, round{"a": at(1, 100+float64(i)), "b": at(0.9, 150-float64(3*i))})
	}
	power := sensitivity(rounds)
	got := ratio(rounds, "b", "a", evenRate(power))
	if math.Abs(power-2) > 1e-9 || math.Abs(got.low-0.9) > 1e-9 || math.Abs(got.high-0.9) > 1e-9 {
		t.Errorf("power %v, ratio %v", power, got)
	}
}
