# SPDX-License-Identifier: Apache-2.0

"""A job type of one's own: the redrive of a dead-letter queue of Amazon SQS."""
