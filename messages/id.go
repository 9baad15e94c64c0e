package messages

import "fmt"

// ConnID names one connection of one Manager: the shard it lives on, its slot there, and the
// generation of that slot, so that an id of a removed connection never reaches its successor. The
// zero ConnID names nothing.
type ConnID uint64

// Bounds of the parts of a ConnID.
const (
	MaxShards = 1<<10 - 1
	MaxSlots  = 1<<32 - 1

	generationBits = 22
	slotBits       = 32
)

// NewConnID packs shard (0..MaxShards-1), slot and generation (taken modulo 2²²) into an id.
func NewConnID(shard int, slot, generation uint32) ConnID {
	g := uint64(generation) & (1<<generationBits - 1)
	return ConnID(uint64(shard+1)<<(generationBits+slotBits) | g<<slotBits | uint64(slot))
}

// Shard gives the number of the shard, from 0; -1 for the zero id.
func (id ConnID) Shard() int { return int(id>>(generationBits+slotBits)) - 1 }

// Slot gives the place on the shard, from 0.
func (id ConnID) Slot() uint32 { return uint32(id) }

// Generation tells successive tenants of one slot apart.
func (id ConnID) Generation() uint32 { return uint32(id>>slotBits) & (1<<generationBits - 1) }

// String gives shard.slot, with the generation only where the slot was used before: "0.17", "0.17#2".
func (id ConnID) String() string {
	if id == 0 {
		return "none"
	}
	if g := id.Generation(); g != 0 {
		return fmt.Sprintf("%d.%d#%d", id.Shard(), id.Slot(), g)
	}
	return fmt.Sprintf("%d.%d", id.Shard(), id.Slot())
}
