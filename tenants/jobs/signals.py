"""What others may listen to. Receivers run in the transaction that ends the job."""

from django.dispatch import Signal

# Sent with `job`, once it is succeeded, failed, cancelled or dead.
job_ended = Signal()
