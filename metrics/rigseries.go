package metrics

// The metrics of the rig itself, and of what was asked of it. Shares over any time are to be had from the counters;
// what a system does not tell has no series.
var (
	LoadPlayers = ofRig(Gauge, "load_players",
		"Players that the load wants to be there now.")
	LoadStarts = ofRig(Counter, "load_starts_total",
		"Starts of players of a scenario that were due: on time, late, or missed as there was no room for them.", "outcome")
	LoadMessages = ofRig(Counter, "load_messages_total",
		"Messages that paced traffic asks for: the rate of each player, of all that are to be there, over time.")

	RigCPU = ofRig(Counter, "rig_cpu_seconds_total",
		"CPU time that loadrig used, user and system.")
	RigCPUUsable = ofRig(Counter, "rig_cpu_usable_seconds_total",
		"CPU time that loadrig could have used: its cores by affinity, quota and GOMAXPROCS, over time.")
	RigRunQueue = ofRig(Counter, "rig_run_queue_seconds_total",
		"How long threads of loadrig could run and had no core, added up over threads.")
	RigSwitches = ofRig(Counter, "rig_context_switches_total",
		"How often a thread of loadrig left its core: by itself, as it had to wait for something, or as others got it.", "kind")
	RigThrottled = ofRig(Counter, "rig_throttled_periods_total",
		"Periods of the CPU quota in which loadrig was stopped, as it had used it up.")
	RigPeriods = ofRig(Counter, "rig_quota_periods_total",
		"Periods of the CPU quota in which loadrig ran.")
	RigGCCPU = ofRig(Counter, "rig_gc_cpu_seconds_total",
		"CPU time of the garbage collector, as the runtime estimates it.")
	RigGCPaused = ofRig(Counter, "rig_gc_paused_seconds_total",
		"How long the garbage collector stopped everything.")
	RigStalled = ofRig(Counter, "rig_stalled_seconds_total",
		"How long loadrig stood still, each time for more than the maximum lag, by default 0.1 s.")
	RigWallClock = ofRig(Counter, "rig_seconds_total",
		"How long the run lasts: what shares are of.")
	HostCPU = ofRig(Counter, "rig_host_cpu_seconds_total",
		"Time of all CPUs of the machine; steal is what the hypervisor gave to others.", "mode")

	RigGCPauseWorst = ofRig(Gauge, "rig_gc_pause_worst_seconds",
		"The longest stop by the garbage collector in the last interval, up to a quarter too high.")
	RigResident = ofRig(Gauge, "rig_resident_bytes",
		"Memory of loadrig that is resident.")
	RigGoroutines = ofRig(Gauge, "rig_goroutines",
		"Goroutines of loadrig.")
	RigFiles = ofRig(Gauge, "rig_open_files",
		"Descriptors that loadrig has open.")
	RigFileLimit = ofRig(Gauge, "rig_open_files_limit",
		"Descriptors that loadrig may have open.")
	HostSockets = ofRig(Gauge, "rig_host_tcp_sockets",
		"TCP sockets of all processes of the machine, by whether they are in use or hold their port for a while.", "state")
	HostPorts = ofRig(Gauge, "rig_host_ports",
		"Ephemeral ports of the machine; each pair of a source and a destination has them for itself.")
)

// Values of the labels of these metrics.
const (
	StartOnTime = "on_time"
	StartLate   = "late"
	StartMissed = "missed"

	SwitchVoluntary   = "voluntary"
	SwitchInvoluntary = "involuntary"

	HostBusy   = "busy"
	HostSteal  = "steal"
	HostIOWait = "iowait"
	HostIdle   = "idle"

	SocketsUsed     = "used"
	SocketsTimeWait = "time_wait"
)
