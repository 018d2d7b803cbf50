package servers

import (
	"errors"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

func TestAProcessRunsUntilItsTestEnds(t *testing.T) {
	var p *Process
	t.Run("a test", func(t *testing.T) {
		p = Start(t, exec.CommandContext(t.Context(), "sh", "-c", "echo ready; exec sleep 600"), func() error {
			if p == nil {
				return nil
			}
			return errors.New("not asked")
		})
		p.Freeze()
		p.Thaw()
		if err := p.cmd.Process.Signal(syscall.Signal(0)); err != nil {
			t.Errorf("the process does not run: %v", err)
		}
		p.Freeze() // a frozen one ends too
	})
	select {
	case <-p.exited:
	default:
		t.Error("the process outlives its test")
	}
}

func TestAProcessThatForkedEndsToo(t *testing.T) {
	// The shell's child holds the output open; it ends by itself soon after.
	p := Start(t, exec.CommandContext(t.Context(), "sh", "-c", "sleep 5 & echo forked; wait"), func() error { return nil })
	for !strings.Contains(p.Output(), "forked") {
		runtime.Gosched()
	}
	p.Kill()
	select {
	case <-p.exited:
	default:
		t.Error("the process is not seen to end")
	}
}

func TestOutputOfAProcess(t *testing.T) {
	t.Parallel()
	p := Start(t, exec.CommandContext(t.Context(), "sh", "-c", "echo one; echo two >&2"), func() error { return nil })
	<-p.exited
	if got := p.Output(); !strings.Contains(got, "one") || !strings.Contains(got, "two") {
		t.Errorf("output %q", got)
	}
}
