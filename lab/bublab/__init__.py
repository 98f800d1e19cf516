# SPDX-License-Identifier: BSD-2-Clause
"""bublab: real daemons in network namespaces, scenarios, and what came of them."""
