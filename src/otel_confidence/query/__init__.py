"""
Reading back: PromQL for metrics, SQL for predictions and traces.
"""
