"""Image datastores in a directory of the front-end."""

from opennebula_datastore_fs.driver import FsDatastoreDriver

__all__ = ["FsDatastoreDriver"]
