# SPDX-License-Identifier: Apache-2.0

"""Amazon SQS: moto's queues, with redrives."""
