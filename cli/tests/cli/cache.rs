//! The compiled engine that is kept between starts.

use std::ffi::OsStr;

use super::*;

/// The one compiled engine of a folder.
fn compiled(home: &Path) -> PathBuf {
    let folder = home.join("cache/aiointernal");
    let files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(files[0].extension(), Some(OsStr::new("cwasm")));
    files[0].clone()
}

#[test]
fn a_damaged_file_is_replaced() {
    let home = Folder::new();
    run_command(command_with(&home.0, &["eval", "1"]), "").prints("1\n");
    let file = compiled(&home.0);
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    run_command(command_with(&home.0, &["eval", "2"]), "").prints("2\n");
    assert!(fs::read(compiled(&home.0)).unwrap() == whole, "the file is as it was");
}

#[test]
fn a_folder_that_cannot_be_made_costs_only_time() {
    let home = Folder::with_file("cache", "in the way");
    run_command(command_with(&home.0, &["eval", "1"]), "").prints("1\n");
    assert_eq!(fs::read_to_string(home.0.join("cache")).unwrap(), "in the way");
}

#[test]
fn no_home_costs_only_time() {
    let mut command = command(&["eval", "1"]);
    command.env_remove("XDG_CACHE_HOME").env_remove("XDG_STATE_HOME").env_remove("HOME");
    run_command(command, "").prints("1\n");
}
