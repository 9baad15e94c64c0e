package terminal

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
)

// model is what bubbletea asks what to draw. Owned by its goroutine.
type model struct {
	view    *View
	state   state
	version uint64
	elapsed float64 // seconds

	width, height int
	palette       *palette
	page          page
	scroll        int
	paused        bool
	content       string
}

// page is what is on the screen.
type page uint8

const (
	overview page = iota
	detail
	help
)

func newModel(v *View) *model {
	return &model{view: v, palette: newPalette(true)}
}

// tick is when to look at the run.
type tick struct{}

func nextTick() tea.Cmd {
	return tea.Tick(time.Second/ticksPerSecond, func(time.Time) tea.Msg { return tick{} })
}

// Init implements tea.Model.
func (m *model) Init() tea.Cmd { return tea.Batch(nextTick(), tea.RequestBackgroundColor) }

// Update implements tea.Model.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tick:
		if m.look() {
			return m, tea.Quit
		}
		return m, nextTick()
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.BackgroundColorMsg:
		m.palette = newPalette(msg.IsDark())
	case tea.KeyPressMsg:
		if !m.key(msg.String()) {
			return m, nil
		}
	default:
		return m, nil
	}
	m.draw()
	return m, nil
}

// look takes the latest of the run, and draws it if there is news; true when the run has ended.
func (m *model) look() (ended bool) {
	s, version, elapsed := m.view.look(m.version)
	fresh := version != m.version
	if fresh && s.ended {
		return true
	}
	if m.paused {
		return false
	}
	if fresh {
		m.state, m.version = s, version
	}
	if fresh || int(elapsed) != int(m.elapsed) {
		m.elapsed = elapsed
		m.draw()
	}
	return false
}

// key does what a key is for; false if that is nothing.
func (m *model) key(key string) bool {
	page := max(1, m.height-4)
	switch key {
	case "q", "Q", "ctrl+c":
		m.view.Interrupt()
	case "p", "P":
		if m.paused = !m.paused; !m.paused {
			m.look()
		}
	case "d", "D":
		m.turn(detail)
	case "?", "h":
		m.turn(help)
	case "esc":
		m.turn(m.page)
	case "up", "k":
		m.scroll--
	case "down", "j":
		m.scroll++
	case "pgup":
		m.scroll -= page
	case "pgdown", "space":
		m.scroll += page
	case "home", "g":
		m.scroll = 0
	case "end", "G":
		m.scroll = 1 << 20 // as far as there is anything
	default:
		return false
	}
	return true
}

// turn goes to a page, or back.
func (m *model) turn(to page) {
	if m.page == to {
		to = overview
	}
	m.page, m.scroll = to, 0
}

// draw makes the content of the screen.
func (m *model) draw() {
	p := m.painter()
	lines := p.frame(m.page, &m.scroll)
	var b strings.Builder
	for i, l := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		m.palette.write(&b, p.fit(l, p.width, false))
	}
	m.content = b.String()
}

func (m *model) painter() *painter {
	p := newPainter(&m.state, m.view.opt.ASCII, m.width, m.height)
	p.elapsed, p.paused, p.asked = m.elapsed, m.paused, int(m.view.asked.Load())
	return p
}

// View implements tea.Model.
func (m *model) View() tea.View {
	v := tea.NewView(m.content)
	v.AltScreen = true
	return v
}
