"""What is counted: absence, the penalty window, cohorts, tallies, and which small figures are hidden."""
