# SPDX-License-Identifier: Apache-2.0

"""The mocked AWS: what its services share, and a package for each service."""
