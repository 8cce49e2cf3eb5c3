"""What a pipeline does with a project: passes, fails by a fault, delivers."""
