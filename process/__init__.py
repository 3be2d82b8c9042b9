"""What every process of ours is: settings from the environment, logs of a line an event, an end to be asked for."""
