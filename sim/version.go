package sim

// Version is the version of the toolkit, as manifests and -version give it.
const Version = "0.1.0"
