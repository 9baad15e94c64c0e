package transport

import (
	"math"
	"net/netip"
	"time"
)

// Forever is an Options.ResolveTTL that keeps all answers.
const Forever time.Duration = math.MaxInt64

// Selection is how connections pick among the addresses of a name.
type Selection uint8

// The selections.
const (
	SelectRoundRobin Selection = iota // each connection begins with the next address
	SelectFirst                       // all begin with the first, as the name server orders them
	SelectRandom                      // each begins anywhere
	NumSelections    = 3
)

// String gives the selection's name: roundRobin, first or random.
func (s Selection) String() string {
	return [NumSelections + 1]string{"roundRobin", "first", "random", "unknown"}[min(s, NumSelections)]
}

// Policy is which addresses of a name are used. An address in a URL is not subject to it.
type Policy uint8

// The policies. Of those that prefer a family, the other is only used where the first cannot be reached.
const (
	PolicyAny Policy = iota
	PolicyPreferIPv4
	PolicyPreferIPv6
	PolicyOnlyIPv4
	PolicyOnlyIPv6
	NumPolicies = 5
)

// String gives the policy's name: any, preferIPv4, preferIPv6, onlyIPv4 or onlyIPv6.
func (p Policy) String() string {
	return [NumPolicies + 1]string{"any", "preferIPv4", "preferIPv6", "onlyIPv4", "onlyIPv6", "unknown"}[min(p, NumPolicies)]
}

// network gives what LookupNetIP is to look for.
func (p Policy) network() string {
	switch p {
	case PolicyOnlyIPv4:
		return "ip4"
	case PolicyOnlyIPv6:
		return "ip6"
	default:
		return "ip"
	}
}

// apply puts the addresses that come first at the front, and tells how many those are. What is of no use is
// left out.
func (p Policy) apply(addrs []netip.Addr) (all []netip.Addr, front int) {
	if p == PolicyAny {
		return addrs, len(addrs)
	}
	wants4 := p == PolicyPreferIPv4 || p == PolicyOnlyIPv4
	var rest []netip.Addr
	for _, a := range addrs {
		if a.Is4() == wants4 {
			all = append(all, a)
		} else {
			rest = append(rest, a)
		}
	}
	switch {
	case p == PolicyOnlyIPv4, p == PolicyOnlyIPv6:
		return all, len(all)
	case len(all) == 0:
		return rest, len(rest)
	default:
		return append(all, rest...), len(all)
	}
}
