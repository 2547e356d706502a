# SPDX-License-Identifier: Apache-2.0

"""The demonstration: a real Airflow works against a simulated AWS, and what came of it is counted.

``python -m demo`` plays every act of ``ACTS`` in ``demo.__main__`` in one Airflow and one moto server;
``--act`` chooses some of them.
A further act is a subclass of :class:`demo.act.Act`, in a module of its own.
"""
