"""Methods of OpenNebula's API for what is not there: clients get an answer that they understand."""
