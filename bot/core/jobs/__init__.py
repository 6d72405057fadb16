"""Jobs from recording to completion: fair queue, runner, and recovery after a restart."""
