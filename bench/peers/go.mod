module github.com/loadrig/loadrig/bench/peers

go 1.26
