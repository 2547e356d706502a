# SPDX-License-Identifier: Apache-2.0

"""An additional job type whose start call takes a token: a query of Athena."""
