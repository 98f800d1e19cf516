// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The data path in the kernel (architecture.md, "The ways of the bytes"): route-optimised packets
 * never enter user space.  Two tc programs, each for interfaces with and without an Ethernet
 * header, and the filters of the daemon's packet sockets.
 *
 * Needs Linux 5.8 (BPF_F_ADJ_ROOM_NO_CSUM_RESET) and no kernel BTF.  A packet that is not ours goes
 * on to the next filter of the interface (TC_ACT_UNSPEC), so that others' programs keep working.
 */
#include "bub_carrier.h"
#include "bub_filter.h"

SEC("tc")
int egress_ether(struct __sk_buff *skb)
{
	return egress(skb, ETH_HLEN);
}

SEC("tc")
int egress_raw(struct __sk_buff *skb)
{
	return egress(skb, 0);
}

SEC("tc")
int ingress_ether(struct __sk_buff *skb)
{
	return ingress(skb, ETH_HLEN);
}

SEC("tc")
int ingress_raw(struct __sk_buff *skb)
{
	return ingress(skb, 0);
}

SEC("socket")
int packets_known(struct __sk_buff *skb)
{
	return filter_known(skb);
}

SEC("socket")
int packets_strangers(struct __sk_buff *skb)
{
	return filter_stranger(skb);
}

SEC("socket")
int packets_merged(struct __sk_buff *skb)
{
	return filter_merged(skb);
}

SEC("socket")
int datagrams(struct __sk_buff *skb)
{
	return filter_carrier(skb);
}

char _license[] SEC("license") = "Dual BSD/GPL";
